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
    """What an optimizer returns: networks, the levels with a solution, and the history of training.

    usable (L,) marks the levels that have a solution. multipliers z (L, N * M, d), where the method has them, are
    those of the Lagrangian C - sum_i z_i . (h(y_i) - x_i). `quality` adds metrics to those of the denoiser, one
    number per level each. `shortfall` says in words where the method fell short of its goal.
    """

    network: ReluNetwork
    usable: Tensor
    history: Table | None = None
    multipliers: Tensor | None = None
    shortfall: str | None = None
    tolerance: float | None = None  # largest violation of interpolation, as a share of the scale; None: no goal
    quality: Mapping[str, list[float | None]] = field(factory=dict)


class Optimizer(Protocol):
    """Fits a bank of shallow networks to exact interpolation.

    Problem and geometry are in a frame about the anchor in which no training point is farther away than 1.
    """

    def minimise(
        self,
        problem: Interpolation,
        geometry: Geometry,
        start: ReluNetwork,
        dropout: float,
        context: Context,
    ) -> Fit:
        """Fit the networks of all levels, from the random weights of `start`."""
