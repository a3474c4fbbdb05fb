"""What a classifier builds: the class of each endpoint."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from attrs import field, frozen

if TYPE_CHECKING:
    from torch import Tensor

    from flowlab.api.kinds.flow import Trajectories
    from flowlab.theory.geometry.subset_sums import Metric


CLASSES = ("training", "virtual", "boundary", "interior", "elsewhere")


@frozen
class Classes:
    """What a classifier builds: labels (S,) for the node name of each flow, which index CLASSES.

    `changed` is the number of endpoints of a flow that change their class at half the step; None for an exact
    flow. `threshold` is a share of the scale of the geometry, the shortest length of its points.
    """

    labels: Mapping[str, Tensor]
    flows: Mapping[str, Trajectories]
    threshold: float
    metric: Metric
    changed: Mapping[str, int | None] = field(factory=dict)

    def distance(self, flow: str) -> float:
        """The threshold for a flow in data units, as a distance."""
        return self.threshold * self.flows[flow].bank.training.geometry.scale

    def counts(self, flow: str) -> dict[str, int]:
        """The number of endpoints of a flow in each class."""
        return {name: int((self.labels[flow] == k).sum()) for k, name in enumerate(CLASSES)}
