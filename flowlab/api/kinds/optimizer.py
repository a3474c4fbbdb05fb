"""What an optimizer is: it fits a bank of shallow networks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from attrs import field, frozen

if TYPE_CHECKING:
    from torch import Tensor

    from flowlab.api.context import Context
    from flowlab.api.result import Table
    from flowlab.theory.geometry.geometry import Geometry
    from flowlab.theory.networks.interpolation import Interpolation
    from flowlab.theory.networks.relu_network import ReluNetwork


@frozen
class Fit:
    """What an optimizer returns: networks, the levels solved, and the history of training.

    `multipliers` z (L, N * M, d) of the constraints, where the method has them: those of the Lagrangian
    C - sum_i z_i . (h(y_i) - x_i). `quality` adds figures to the denoiser's own, one number a level each.
    """

    network: ReluNetwork
    usable: Tensor
    history: Table | None = None
    multipliers: Tensor | None = None
    shortfall: str | None = None
    tolerance: float | None = None  # the share of the scale up to which a violation counts as none, if a goal
    quality: Mapping[str, list[float | None]] = field(factory=dict)


class Optimizer(Protocol):
    """Fits a bank of shallow networks to exact interpolation.

    Problem and geometry come in a frame about the anchor in which no training point is farther away than 1.
    """

    def minimise(
        self,
        problem: Interpolation,
        geometry: Geometry,
        start: ReluNetwork,
        dropout: float,
        context: Context,
    ) -> Fit:
        """Fit all levels at once, from `start` (a ReluNetwork of random weights)."""
