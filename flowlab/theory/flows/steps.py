"""Discrete steps of dy/dtau = (y - h) / tau from tau to tau' = ratio * tau."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def ddim_step(y: Tensor, denoised: Tensor, ratio: Tensor) -> Tensor:
    """One Euler step in tau, y' = h + (tau' / tau) (y - h), which is exact wherever h is constant.

    y (S, d) and denoised h (S, d) at tau; ratio () is tau' / tau. Returns (S, d). Source: Song, Meng and Ermon,
    arXiv 2010.02502, Eq. 13 (DDIM), in the variance-exploding form.
    """
    return denoised + ratio * (y - denoised)


def ddim(
    denoise: Callable[[Tensor, int], Tensor], log_tau: Tensor, starts: Tensor, report: Callable[[int, int], None]
) -> Tensor:
    """The states of DDIM steps from starts (S, d) along the grid log_tau (P,): (P, S, d)."""
    states = [starts]
    for i, ratio in enumerate(log_tau.diff().exp()):
        states.append(ddim_step(states[-1], denoise(states[-1], i), ratio))
        report(i + 1, len(log_tau) - 1)
    return torch.stack(states)
