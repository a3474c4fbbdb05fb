"""Affine maps, which cost a network with a skip connection nothing."""

from __future__ import annotations

import torch
from torch import Tensor

_ROUNDING = 1e-9


def fits_affinely(samples: Tensor, points: Tensor) -> Tensor:
    """The levels (L,) at which an affine map y -> V y + c interpolates samples (L, N, M, d) of points (N, d).

    The minimum norm is 0 there. This happens with few samples in many dimensions, above all with one sample per
    point. The test is the residual of least squares, as a share of the largest distance of a point from the mean.
    """
    count, each, dimension = samples.shape[1:]
    if count * (each - 1) > dimension:
        # an affine map has to remove all differences between samples of one point: here these span the space
        return torch.zeros(len(samples), dtype=torch.bool, device=samples.device)
    rows = samples.double().flatten(1, 2)
    rows = rows - rows.mean(1, keepdim=True)
    target = points.double().repeat_interleave(each, 0)
    target = target - target.mean(0)
    size = rows.norm(dim=-1).amax(1)[:, None, None].clamp_min(1e-300)
    rows = rows / size
    residual = target - rows @ (torch.linalg.pinv(rows, rtol=_ROUNDING) @ target)
    return residual.abs().amax((1, 2)) <= _ROUNDING * target.norm(dim=-1).max()
