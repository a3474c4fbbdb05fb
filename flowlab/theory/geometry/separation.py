"""How far apart noisy clusters are along each slab's direction."""

from __future__ import annotations

import torch
from torch import Tensor

from flowlab.theory.geometry.geometry import Geometry


def cluster_gaps(samples: Tensor, geometry: Geometry) -> Tensor:
    """The room left for each slope: smallest projection of the samples above a slab minus largest below.

    samples (L, N, M, d) -> (L, R), data units. Directions are the closed form's, else from the mean of the
    other points to each point. All positive: the clusters are separated, the low-noise regime.
    """
    points = geometry.points
    if geometry.closed_form is not None:
        slabs = geometry.closed_form(points.new_zeros(1))
        directions = _units(slabs.weights[0])
        above = slabs.values(points[None])[0].mT > 0.5
    else:
        others = (points.sum(0) - points) / (len(points) - 1)
        directions = _units(points - others)
        above = torch.eye(len(points), dtype=torch.bool, device=points.device)
    projections = (samples @ directions.mT).movedim(-1, 1)  # (L, R, N, M)
    low = torch.where(above[:, :, None], -torch.inf, projections).amax((2, 3))
    high = torch.where(above[:, :, None], projections, torch.inf).amin((2, 3))
    return high - low


def _units(vectors: Tensor) -> Tensor:
    """Vectors (R, d) of any size, at length 1; null ones stay null."""
    return torch.nn.functional.normalize(vectors, dim=-1, eps=torch.finfo(vectors.dtype).tiny)
