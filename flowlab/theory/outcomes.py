"""Exact probabilities of the classes in which the probability flow of an orthogonal set ends."""

from __future__ import annotations

import torch
from torch import Tensor


def outcome_probabilities(
    lengths: Tensor, rho: float, mean: Tensor, spread: float, threshold: float
) -> dict[str, float]:
    """Class probabilities of endpoints from y_T ~ N(mean, spread^2 I), box coordinates along the axes.

    lengths l (E,), mean (E,). Each coordinate ends at clip(l (z - rho) / (l - 2 rho), 0, l) independently, so
    it is within the threshold of 0, of l, or inside, with normal probabilities p0, p1, p2; the numbers
    of coordinates at l and inside follow by convolution. L-infinity. Raises ValueError where a point is within
    the threshold of both ends, or balls meet. Source: arXiv 2506.19031, Theorem 4.4.
    """
    if 2 * max(threshold, rho) >= float(lengths.min()):
        raise ValueError("threshold and rho must be below half the shortest length")
    normal = torch.distributions.Normal(mean, spread)
    # the start from which a coordinate ends exactly the threshold away from 0 (and, by symmetry, from l)
    edge = rho + threshold * (lengths - 2 * rho) / lengths
    low, high = normal.cdf(edge), 1 - normal.cdf(lengths - edge)
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
