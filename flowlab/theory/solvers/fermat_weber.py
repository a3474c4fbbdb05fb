"""The weighted Fermat-Weber point: where the offset of a slab denoiser is cheapest."""

from __future__ import annotations

import torch
from torch import Tensor

_STEPS = 1000
# Weights come from a solver of relative accuracy 1e-10; an orthogonal set without noise is exactly a tie.
_TIE = 1e-8


def weighted_fermat_weber(points: Tensor, weights: Tensor) -> Tensor:
    """The point c (d,) that minimises sum_n m_n |x_n - c|, points x (N, d), weights m (N,).

    Exact at a vertex: x_k is the minimum if and only if |sum_{n != k} m_n u_n| <= m_k with u_n the unit
    vectors from x_k. An infinite weight decides for its point. Raises ValueError if two are infinite.
    Elsewhere Newton's method, safeguarded by Weiszfeld's step, to rounding. Source: Kuhn (1973).
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
    held = pull <= weights * (1 + _TIE)
    if held.any():
        return points[held.nonzero()[0, 0]]
    center = (weights[:, None] * points).sum(0) / weights.sum()
    for _ in range(_STEPS):
        moved = _step(points, weights, center)
        if (moved - center).norm() <= 1e-15 * points.abs().max():
            break
        center = moved
    return center


def _step(points: Tensor, weights: Tensor, center: Tensor) -> Tensor:
    """A Newton step where it lowers the cost, else Weiszfeld's, which always does."""
    arrows = center - points
    lengths = arrows.norm(dim=-1, keepdim=True).clamp_min(1e-300)
    units, pulls = arrows / lengths, weights[:, None] / lengths
    gradient = (weights[:, None] * units).sum(0)
    hessian = pulls.sum() * torch.eye(len(center)).to(points) - (pulls * units).mT @ units
    # pinv: the points may span no more than a line, and lstsq's last bits change from call to call
    newton = center - torch.linalg.pinv(hessian, hermitian=True) @ gradient
    if _cost(points, weights, newton) < _cost(points, weights, center):
        return newton
    weiszfeld = (pulls * points).sum(0) / pulls.sum()
    return weiszfeld if _cost(points, weights, weiszfeld) < _cost(points, weights, center) else center


def _cost(points: Tensor, weights: Tensor, center: Tensor) -> Tensor:
    return (weights * (points - center).norm(dim=-1)).sum()
