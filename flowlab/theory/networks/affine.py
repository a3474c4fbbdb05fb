"""Affine maps, which a network with a skip connection has at no cost."""

from __future__ import annotations

import torch
from torch import Tensor

_ROUNDING = 1e-9


def fits_affinely(samples: Tensor, points: Tensor) -> Tensor:
    """The levels (L,) at which an affine map y -> V y + c takes all samples (L, N, M, d) to their points (N, d).

    The minimum norm is 0 there: with few samples, one a point above all, in as many dimensions. Judged by the
    residual of least squares, as a share of the largest distance of a point from the mean.
    """
    count, each, dimension = samples.shape[1:]
    if count * (each - 1) > dimension:
        # samples of a point differ by directions that an affine map has to remove: here by all that there are
        return torch.zeros(len(samples), dtype=torch.bool, device=samples.device)
    rows = samples.double().flatten(1, 2)
    rows = rows - rows.mean(1, keepdim=True)
    target = points.double().repeat_interleave(each, 0)
    target = target - target.mean(0)
    size = rows.norm(dim=-1).amax(1)[:, None, None].clamp_min(1e-300)
    rows = rows / size
    left = target - rows @ (torch.linalg.pinv(rows, rtol=_ROUNDING) @ target)
    return left.abs().amax((1, 2)) <= _ROUNDING * target.norm(dim=-1).max()
