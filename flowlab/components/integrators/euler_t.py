"""Euler in the paper's own time."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from attrs import frozen

from flowlab.api import Context, FlowODE

if TYPE_CHECKING:
    from torch import Tensor


@frozen
class EulerT:
    """Euler in the flow's own time, t = sigma^2 (or r): first order, the paper's discretisation.

    y' = y + (t' - t) (y - h) / (2 t) for probability flow, y' = y + (r' - r) (h - y) for score flow. Its last
    step, to t = 0, goes only half the way to h. Source: arXiv 2506.19031, Section 5.
    """

    order: ClassVar[int] = 1

    def integrate(self, path: FlowODE, starts: Tensor, context: Context) -> Tensor:
        """The states (P, S, d) on the grid of the flow, from starts (S, d)."""
        import torch

        states = [starts]
        for i, step in enumerate(path.time.diff() * path.rate[:-1]):
            states.append(states[-1] + step * (states[-1] - path.denoise(states[-1], i)))
            context.progress(i + 1, len(path.log_tau) - 1, {})
        return torch.stack(states)
