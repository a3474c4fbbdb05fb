"""The exact class in which the probability flow of an orthogonal set ends: of a start, and of Gaussian starts."""

from __future__ import annotations

import torch
from torch import Tensor

from flowlab.theory.geometry.geometry import Geometry


def axis_box(geometry: Geometry) -> Tensor | None:
    """The edge lengths (E,) of a box whose edges lie along the axes; None for any other geometry.

    In the coordinates of such a box the L-infinity distance splits.
    """
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
    """The coordinates z = u_n . (y - x_0) of points y (..., d) along the edges of the box: (..., E)."""
    edges = geometry.edges
    coordinates: Tensor = (y - geometry.anchor) @ (edges / edges.norm(dim=-1, keepdim=True)).mT
    return coordinates


def capture_distance(lengths: Tensor, rho: float, threshold: float) -> Tensor:
    """The distance from an end of its edge up to which a coordinate ends within the threshold of that end: (E,).

    lengths l (E,). A coordinate ends at clip(l (z - rho) / (l - 2 rho), 0, l), so the distance is
    rho + threshold (l - 2 rho) / l. Source: arXiv 2506.19031, Theorem 4.4 (threshold 0).
    """
    return rho + threshold * (lengths - 2 * rho) / lengths


def outcome_labels(z: Tensor, lengths: Tensor, rho: float, threshold: float) -> Tensor:
    """The class of each endpoint, 0 to 3 for training, virtual, boundary, interior: (S,).

    For starts with the box coordinates z (S, E) and lengths l (E,). A coordinate ends at 0, at l or between.
    Source: arXiv 2506.19031, Theorem 4.4.
    """
    near = capture_distance(lengths, rho, threshold)
    at_length = z >= lengths - near
    between = (z > near) & ~at_length
    inside_count, order = between.sum(-1), at_length.sum(-1)
    vertex = (order > 1).long()
    return torch.where(inside_count == 0, vertex, torch.where(inside_count < len(lengths), 2, 3))


def stopping_times(z: Tensor, lengths: Tensor, alpha: float, threshold: float) -> Tensor:
    """The final time T from which on each coordinate z (S, E) of a start ends at 0 or l: (S, E).

    lengths l (E,). With rho_T = alpha sqrt(T), T_n = ((min(z_n, l_n - z_n) - threshold) / (1 - 2 threshold /
    l_n))^2 / alpha^2, and 0 for a coordinate that ends there at any T. The endpoint is a vertex from tau = max_n
    T_n on, and leaves the interior of the box at min_n T_n. Source: arXiv 2506.19031, Theorem 4.4 (threshold 0).
    """
    depth = torch.minimum(z, lengths - z)
    radius = (depth - threshold) / (1 - 2 * threshold / lengths)
    return (radius.clamp_min(0) / alpha).square()


def outcome_probabilities(
    lengths: Tensor, rho: float, mean: Tensor, spread: float, threshold: float
) -> dict[str, float]:
    """The probability of each class of endpoint for starts y_T ~ N(mean, spread^2 I), in L-infinity.

    lengths l (E,) and mean (E,) are along the axes of the box. Each coordinate ends independently within the
    threshold of 0, within it of l, or between, with normal probabilities. The numbers of coordinates at l and
    between follow by convolution. Raises ValueError where a point can be within the threshold of both ends of an
    edge, or where balls meet. Source: arXiv 2506.19031, Theorem 4.4.
    """
    if 2 * max(threshold, rho) >= float(lengths.min()):
        raise ValueError("threshold and rho must be below half the shortest length")
    normal = torch.distributions.Normal(mean, spread)
    near = capture_distance(lengths, rho, threshold)
    low, high = normal.cdf(near), 1 - normal.cdf(lengths - near)
    # vertex[k]: the probability of k coordinates at l and none between, where k = 2 stands for two or more
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
