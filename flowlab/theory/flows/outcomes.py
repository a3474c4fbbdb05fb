"""Where the probability flow of an orthogonal set ends: the exact class of a start, and of Gaussian starts."""

from __future__ import annotations

import torch
from torch import Tensor

from flowlab.theory.geometry.geometry import Geometry


def axis_box(geometry: Geometry) -> Tensor | None:
    """Lengths (E,) of a box whose edges lie along the axes, in whose coordinates L-infinity splits; else None."""
    edges = geometry.edges
    if (
        not geometry.separable
        or geometry.rays is not None
        or not len(edges)
        or bool(((edges != 0).sum(-1) != 1).any())
    ):
        return None
    return edges.norm(dim=-1)


def box_coordinates(geometry: Geometry, y: Tensor) -> Tensor:
    """z = u_n . (y - x_0) of points y (..., d): (..., E)."""
    edges = geometry.edges
    coordinates: Tensor = (y - geometry.anchor) @ (edges / edges.norm(dim=-1, keepdim=True)).mT
    return coordinates


def reach(lengths: Tensor, rho: float, threshold: float) -> Tensor:
    """How far from an end of its edge a coordinate may start and yet end within the threshold of it: (E,).

    A coordinate ends at clip(l (z - rho) / (l - 2 rho), 0, l), so it is rho + threshold (l - 2 rho) / l.
    """
    return rho + threshold * (lengths - 2 * rho) / lengths


def outcome_labels(z: Tensor, lengths: Tensor, rho: float, threshold: float) -> Tensor:
    """The class of the endpoint, 0..3 for training, virtual, boundary, interior: (S,), starts z (S, E).

    A coordinate ends at 0, at l or between. Source: arXiv 2506.19031, Theorem 4.4.
    """
    near = reach(lengths, rho, threshold)
    high = z >= lengths - near
    between = (z > near) & ~high
    free, summed = between.sum(-1), high.sum(-1)
    vertex = (summed > 1).long()
    return torch.where(free == 0, vertex, torch.where(free < len(lengths), 2, 3))


def stopping_times(z: Tensor, lengths: Tensor, alpha: float, threshold: float) -> Tensor:
    """The final time T from which on each coordinate z (S, E) of a start ends at 0 or l: (S, E).

    With rho_T = alpha sqrt(T), T_n = ((min(z_n, l_n - z_n) - threshold) / (1 - 2 threshold / l_n))^2 / alpha^2,
    0 where that is at any T. The endpoint is a vertex from tau = max_n T_n on, and leaves the interior of the
    box at min_n T_n. Source: arXiv 2506.19031, Theorem 4.4 (threshold 0).
    """
    depth = torch.minimum(z, lengths - z)
    radius = (depth - threshold) / (1 - 2 * threshold / lengths)
    return (radius.clamp_min(0) / alpha).square()


def outcome_probabilities(
    lengths: Tensor, rho: float, mean: Tensor, spread: float, threshold: float
) -> dict[str, float]:
    """Class probabilities of endpoints from y_T ~ N(mean, spread^2 I), box coordinates along the axes.

    lengths l (E,), mean (E,). Each coordinate ends independently within the threshold of 0, of l, or between,
    with normal probabilities p0, p1, p2; the numbers of coordinates at l and between follow by convolution.
    L-infinity. Raises ValueError where a point is within the threshold of both ends, or balls meet.
    Source: arXiv 2506.19031, Theorem 4.4.
    """
    if 2 * max(threshold, rho) >= float(lengths.min()):
        raise ValueError("threshold and rho must be below half the shortest length")
    normal = torch.distributions.Normal(mean, spread)
    near = reach(lengths, rho, threshold)
    low, high = normal.cdf(near), 1 - normal.cdf(lengths - near)
    # counts[k]: probability of k coordinates at l, none inside; k is cut at two
    vertex = torch.tensor([1.0, 0.0, 0.0], dtype=lengths.dtype)
    for at_zero, at_length in zip(low, high, strict=True):
        shifted = torch.stack([vertex[0] * 0, vertex[0], vertex[1] + vertex[2]])
        vertex = at_zero * vertex + at_length * shifted
    interior = (1 - low - high).prod()
    training, virtual = vertex[0] + vertex[1], vertex[2]
    boundary = 1 - training - virtual - interior
    names = ("training", "virtual", "boundary", "interior", "elsewhere")
    values = (training, virtual, boundary, interior, torch.zeros(()))
    return {name: float(value) for name, value in zip(names, values, strict=True)}
