"""The gaps between noisy clusters along the direction of each slab."""

from __future__ import annotations

import torch
from torch import Tensor

from flowlab.theory.geometry.geometry import Geometry


def cluster_gaps(samples: Tensor, geometry: Geometry) -> Tensor:
    """The gap of each slab: the least projection of the samples above it minus the largest of those below.

    samples (L, N, M, d) -> (L, R), data units. Directions are those of the closed form, or without one from the
    mean of the other points to each point. If all gaps are positive, the clusters are separated along every slab:
    the low-noise regime.
    """
    points = geometry.points
    if geometry.closed_form is not None:
        slabs = geometry.closed_form(points.new_zeros(1))
        directions = _units(slabs.weights[0])
        above = slabs.values(points[None])[0].mT > 0.5
    else:
        other_means = (points.sum(0) - points) / (len(points) - 1)
        directions = _units(points - other_means)
        above = torch.eye(len(points), dtype=torch.bool, device=points.device)
    projections = (samples @ directions.mT).movedim(-1, 1)  # (L, R, N, M)
    low = torch.where(above[:, :, None], -torch.inf, projections).amax((2, 3))
    high = torch.where(above[:, :, None], projections, torch.inf).amin((2, 3))
    return high - low


def _units(vectors: Tensor) -> Tensor:
    """Vectors (R, d) scaled to length 1; zero vectors stay zero."""
    return torch.nn.functional.normalize(vectors, dim=-1, eps=torch.finfo(vectors.dtype).tiny)
