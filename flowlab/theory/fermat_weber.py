"""The weighted Fermat-Weber point: where the offset of a slab denoiser is cheapest."""

from __future__ import annotations

import torch
from torch import Tensor

_STEPS = 10_000


def weighted_fermat_weber(points: Tensor, weights: Tensor) -> Tensor:
    """The point c (d,) that minimises sum_n m_n |x_n - c|, points x (N, d), weights m (N,).

    Exact at a vertex: x_k is the minimum if and only if |sum_{n != k} m_n u_n| <= m_k with u_n the unit
    vectors from x_k. An infinite weight decides for its point. Raises ValueError if two are infinite.
    Elsewhere Weiszfeld's iteration, to rounding. Source: Kuhn (1973).
    """
    infinite = torch.isinf(weights).nonzero()[:, 0]
    if len(infinite) > 1:
        raise ValueError("two points of infinite weight have no Fermat-Weber point")
    if len(infinite):
        return points[infinite[0]]
    arrows = points[None] - points[:, None]
    lengths = arrows.norm(dim=-1, keepdim=True)
    units = torch.where(lengths > 0, arrows / lengths, torch.zeros_like(arrows))
    pull = (weights[None, :, None] * units).sum(1).norm(dim=-1)
    # rounding of a sum of unit vectors, so that a balanced vertex (equal norms) is still a vertex
    held = pull <= weights * (1 + 1e-12)
    if held.any():
        return points[held.nonzero()[0, 0]]
    center = (weights[:, None] * points).sum(0) / weights.sum()
    for _ in range(_STEPS):
        pulls = weights / (points - center).norm(dim=-1).clamp_min(1e-300)
        moved = (pulls[:, None] * points).sum(0) / pulls.sum()
        if (moved - center).norm() <= 1e-15 * points.abs().max():
            return moved
        center = moved
    return center
