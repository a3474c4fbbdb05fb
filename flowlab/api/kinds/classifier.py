"""What a classifier builds: the class of each endpoint."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

if TYPE_CHECKING:
    from torch import Tensor

    from flowlab.api.kinds.flow import Trajectories
    from flowlab.api.result import Result
    from flowlab.theory.geometry.subset_sums import Metric


CLASSES = ("training", "virtual", "boundary", "interior", "elsewhere")


def headline(result: Result) -> str:
    """Where each flow ends: the share of its endpoints in each class that has any."""
    shares = ((flow, _format_shares(counts)) for flow, counts in result.metrics.items())
    return "; ".join(f"{flow} {text}" for flow, text in shares if text)


def _format_shares(counts: Any) -> str:
    """Shares of classes; empty for a metric that does not count them."""
    if not isinstance(counts, Mapping) or counts.keys() != set(CLASSES):
        return ""
    total = sum(counts.values())
    return ", ".join(f"{100 * count / total:.1f} % {name}" for name, count in counts.items() if count)


@frozen
class Classes:
    """What a classifier builds: labels (S,) for the node name of each flow, which index CLASSES.

    `changed` is the number of endpoints of a flow that change their class at half the step; None for an exact
    flow, and absent where nothing is known of the step. `threshold` is a share of the scale of the geometry, the
    shortest length of its points.
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
