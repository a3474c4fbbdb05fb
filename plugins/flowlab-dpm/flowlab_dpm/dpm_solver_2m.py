"""DPM-Solver++(2M), an exponential integrator with two steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from attrs import frozen

from flowlab.api import Context, FlowODE

if TYPE_CHECKING:
    from torch import Tensor


@frozen
class DpmSolver2M:
    """DPM-Solver++(2M): second order in log sigma, one evaluation of h per step, exact wherever h is constant.

    With l = -log sigma, the step s = l' - l and the previous step s_0, D = h + s / (2 s_0) (h - h_0) and
    y' = e^{-s} y + (1 - e^{-s}) D. The first step, and the last step to zero noise, have D = h. For score flow,
    l is r. Source: arXiv 2211.01095, Algorithm 2.
    """

    order: ClassVar[int] = 2

    def integrate(self, path: FlowODE, starts: Tensor, context: Context) -> Tensor:
        """The states (P, S, d) on the grid of the flow, from starts (S, d)."""
        import torch

        steps = -path.log_tau.diff()
        states, previous = [starts], None
        for i, step in enumerate(steps):
            y = states[-1]
            denoised = path.denoise(y, i)
            extrapolated = denoised
            if previous is not None and bool(step.isfinite()):
                extrapolated = denoised + step / (2 * steps[i - 1]) * (denoised - previous)
            states.append(extrapolated + torch.exp(-step) * (y - extrapolated))
            previous = denoised
            context.progress(i + 1, len(steps), {})
        return torch.stack(states)
