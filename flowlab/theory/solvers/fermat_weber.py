"""The weighted Fermat-Weber point, which is the cheapest offset of a denoiser with one slab per point."""

from __future__ import annotations

import torch
from torch import Tensor

_STEPS = 1000
# Weights come from a solver with relative accuracy 1e-10, and an orthogonal set without noise is exactly a tie.
_TIE = 1e-8


def weighted_fermat_weber(points: Tensor, weights: Tensor) -> Tensor:
    """The point c (d,) that minimises sum_n m_n |x_n - c|, for points x (N, d) and weights m (N,).

    A vertex is found exactly: x_k is the minimum if and only if |sum_{n != k} m_n u_n| <= m_k, u_n the unit
    vectors from x_k. A point of infinite weight is the minimum. Otherwise Newton's method, with Weiszfeld's step
    as a safeguard, converges to rounding. Raises ValueError if two weights are infinite. Source: Kuhn,
    Mathematical Programming 4 (1973), 98-107.
    """
    infinite = torch.isinf(weights).nonzero()[:, 0]
    if len(infinite) > 1:
        raise ValueError("two points of infinite weight have no Fermat-Weber point")
    if len(infinite):
        return points[infinite[0]]
    differences = points[None] - points[:, None]
    lengths = differences.norm(dim=-1, keepdim=True)
    units = torch.where(lengths > 0, differences / lengths, torch.zeros_like(differences))
    gradient = (weights[None, :, None] * units).sum(1).norm(dim=-1)
    optimal = gradient <= weights * (1 + _TIE)
    if optimal.any():
        return points[optimal.nonzero()[0, 0]]
    center = (weights[:, None] * points).sum(0) / weights.sum()
    for _ in range(_STEPS):
        next_center = _step(points, weights, center)
        if (next_center - center).norm() <= 1e-15 * points.abs().max():
            break
        center = next_center
    return center


def _step(points: Tensor, weights: Tensor, center: Tensor) -> Tensor:
    """A Newton step where it lowers the cost, else Weiszfeld's step, which always does."""
    differences = center - points
    lengths = differences.norm(dim=-1, keepdim=True).clamp_min(1e-300)
    units, curvatures = differences / lengths, weights[:, None] / lengths
    gradient = (weights[:, None] * units).sum(0)
    hessian = curvatures.sum() * torch.eye(len(center)).to(points) - (curvatures * units).mT @ units
    # pinv: the points may span no more than a line, and the last bits of lstsq change from call to call
    newton = center - torch.linalg.pinv(hessian, hermitian=True) @ gradient
    if _cost(points, weights, newton) < _cost(points, weights, center):
        return newton
    weiszfeld = (curvatures * points).sum(0) / curvatures.sum()
    return weiszfeld if _cost(points, weights, weiszfeld) < _cost(points, weights, center) else center


def _cost(points: Tensor, weights: Tensor, center: Tensor) -> Tensor:
    return (weights * (points - center).norm(dim=-1)).sum()
