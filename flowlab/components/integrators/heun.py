"""Heun's method in sigma."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from attrs import frozen

from flowlab.api import Context, FlowODE

if TYPE_CHECKING:
    from torch import Tensor


@frozen
class Heun:
    """Heun's method in sigma: second order; the last step, to zero noise, is an Euler step.

    The slope is the mean of (y - h)/sigma at both ends of the step. Source: arXiv 2206.00364, Algorithm 1.
    """

    order: ClassVar[int] = 2

    def integrate(self, path: FlowODE, starts: Tensor, context: Context) -> Tensor:
        """The states (P, S, d) on the grid of the flow, from starts (S, d)."""
        import torch

        from flowlab.theory.flows.steps import ddim_step

        states = [starts]
        for i, ratio in enumerate(path.log_tau.diff().exp()):
            y = states[-1]
            first = y - path.denoise(y, i)
            guess = ddim_step(y, y - first, ratio)
            if ratio > 0:
                second = guess - path.denoise(guess, i + 1)
                guess = y + (ratio - 1) * (first + second / ratio) / 2
            states.append(guess)
            context.progress(i + 1, len(path.log_tau) - 1, {})
        return torch.stack(states)
