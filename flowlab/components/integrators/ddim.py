"""Euler in sigma."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from flowlab.api import Context, Path

if TYPE_CHECKING:
    from torch import Tensor


@frozen
class Ddim:
    """Euler in sigma, the DDIM step: first order, exact wherever the denoiser is locally constant.

    y' = h + (sigma'/sigma) (y - h). For score flow, sigma is exp(-r): the exponential Euler step.
    """

    def integrate(self, path: Path, starts: Tensor, context: Context) -> Tensor:
        """States (P, S, d) on the path's grid."""
        import torch

        from flowlab.theory.steps import ddim_step

        states = [starts]
        for i, ratio in enumerate(path.log_tau.diff().exp()):
            states.append(ddim_step(states[-1], path.denoise(states[-1], i), ratio))
            context.progress(i + 1, len(path.log_tau) - 1, {})
        return torch.stack(states)
