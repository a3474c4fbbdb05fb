"""What an integrator is: it solves the equation of a flow from given starts."""

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
    """The equation of a flow, dy/dtau = (y - h_i(y)) / tau, on a grid tau_0 > tau_1 > ... >= 0.

    Probability flow has tau = sigma, so dy/dsigma = (y - h) / sigma. Score flow has tau = exp(-r), so
    dy/dr = h - y. log_tau (P,) may end in -inf. time (P,) is the time of the paper (t = sigma^2, or r), and
    rate (P,) is d log tau / d time there. `denoise(y, i)` is h at grid point i. Where the flow is known exactly,
    `exact(y, report)` returns its states (P, S, d) on the grid and what is known about its ends.
    """

    log_tau: Tensor
    time: Tensor
    rate: Tensor
    denoise: Callable[[Tensor, int], Tensor]
    exact: Callable[[Tensor, Callable[[int, int], None]], RegionFlow] | None = None


class Integrator(Protocol):
    """Solves the equation of a flow from given starts."""

    def integrate(self, path: FlowODE, starts: Tensor, context: Context) -> Tensor:
        """The states (P, S, d) on the grid of a flow, from starts (S, d)."""
