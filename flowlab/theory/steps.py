"""Discrete steps of dy/dtau = (y - h) / tau from tau to tau' = ratio * tau."""

from __future__ import annotations

from torch import Tensor


def ddim_step(y: Tensor, denoised: Tensor, ratio: Tensor) -> Tensor:
    """Euler in tau: y' = h + (tau' / tau) (y - h), exact wherever h is constant."""
    return denoised + ratio * (y - denoised)
