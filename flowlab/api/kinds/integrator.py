"""What an integrator is: it carries starts along the equation of a flow."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from attrs import frozen

if TYPE_CHECKING:
    from torch import Tensor

    from flowlab.api.context import Context
    from flowlab.theory.flows.region_flow import RegionFlow


@frozen
class FlowODE:
    """A flow's equation dy/dtau = (y - h_i(y)) / tau on a grid tau_0 > tau_1 > ... >= 0.

    Probability flow: tau = sigma (then dy/dsigma = (y - h)/sigma). Score flow: tau = exp(-r) (then
    dy/dr = h - y). `log_tau` (P,) may end in -inf; `time` (P,) is the paper's own time (t = sigma^2, or
    r) and `rate` (P,) = d log tau / d time there. `denoise(y, i)` is h at grid point i.
    `exact(y, report)`, where the flow is known exactly, gives the states (P, S, d) on the grid without an
    integrator, and what is known of its ends.
    """

    log_tau: Tensor
    time: Tensor
    rate: Tensor
    denoise: Callable[[Tensor, int], Tensor]
    exact: Callable[[Tensor, Callable[[int, int], None]], RegionFlow] | None = None


class Integrator(Protocol):
    """Carries starts along a path."""

    def integrate(self, path: FlowODE, starts: Tensor, context: Context) -> Tensor:
        """The states (P, S, d) on the path's grid, from starts (S, d)."""
