"""Euler in sigma."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from attrs import frozen

from flowlab.api import Context, FlowODE

if TYPE_CHECKING:
    from torch import Tensor


@frozen
class Ddim:
    """Euler in sigma, the DDIM step: first order, exact wherever the denoiser is locally constant.

    y' = h + (sigma'/sigma) (y - h). For score flow sigma is exp(-r), and it is the exponential Euler step. Source:
    arXiv 2010.02502, Eq. 13, in the variance-exploding form.
    """

    order: ClassVar[int] = 1

    def integrate(self, path: FlowODE, starts: Tensor, context: Context) -> Tensor:
        """The states (P, S, d) on the grid of the flow, from starts (S, d)."""
        from flowlab.theory.flows.steps import ddim

        return ddim(path.denoise, path.log_tau, starts, lambda done, total: context.progress(done, total, {}))
