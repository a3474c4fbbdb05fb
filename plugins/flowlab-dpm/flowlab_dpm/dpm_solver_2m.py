"""The two-step exponential integrator of the denoiser."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from attrs import frozen

from flowlab.api import Context, FlowODE

if TYPE_CHECKING:
    from torch import Tensor


@frozen
class DpmSolver2M:
    """DPM-Solver++(2M): second order in log sigma with one denoiser a step, exact wherever h is constant.

    With l = -log sigma, s = l' - l the step and s_0 the one before, D = h + s / (2 s_0) (h - h_0) and
    y' = e^{-s} y + (1 - e^{-s}) D. The first step, and the last one, to zero noise, take D = h. For score flow,
    l is r. Source: arXiv 2211.01095, Algorithm 2.
    """

    order: ClassVar[int] = 2

    def integrate(self, path: FlowODE, starts: Tensor, context: Context) -> Tensor:
        """States (P, S, d) on the path's grid."""
        import torch

        steps = -path.log_tau.diff()
        states, before = [starts], None
        for i, step in enumerate(steps):
            y = states[-1]
            denoised = path.denoise(y, i)
            ahead = denoised
            if before is not None and bool(step.isfinite()):
                ahead = denoised + step / (2 * steps[i - 1]) * (denoised - before)
            states.append(ahead + torch.exp(-step) * (y - ahead))
            before = denoised
            context.progress(i + 1, len(steps), {})
        return torch.stack(states)
