"""The class of an endpoint: training point, virtual point, boundary, interior, elsewhere."""

from __future__ import annotations

import torch
from attrs import frozen
from torch import Tensor

from flowlab.theory.geometry.geometry import Geometry
from flowlab.theory.geometry.subset_sums import Metric, nearest_sum, norm


@frozen
class Classification:
    """Labels (S,) 0..4 for training, virtual, boundary, interior, elsewhere; distances (S,)."""

    labels: Tensor
    to_training: Tensor
    to_virtual: Tensor


def classify(y: Tensor, geometry: Geometry, threshold: float, metric: Metric) -> Classification:
    """Classify endpoints y (S, d); the first rule that holds decides. The threshold is a share of the scale.

    training: within the threshold of a training point; virtual: of a sum of two edges or more; elsewhere:
    farther than the threshold outside the cell (or there is none); boundary: within the threshold of a
    facet; interior: the rest. Distances to points are in ambient coordinates, to facets Euclidean.
    """
    near = threshold * geometry.scale
    gaps = (norm(part[:, None] - geometry.points, metric).amin(-1) for part in y.split(256))
    to_training = torch.cat(list(gaps))
    # about an offset inside the hull there is an edge a point, and their whole sum is no vertex of anything
    most = len(geometry.points) - 1
    to_virtual = nearest_sum(geometry.anchor, geometry.edges, y, metric, least=2, most=most, rays=geometry.rays)
    labels = torch.full((len(y),), 4, device=y.device)
    if geometry.cell is not None:
        depth = geometry.cell.depths(y).amin(-1)
        off = norm(geometry.cell.perpendicular(y), metric)
        inside = (depth >= -near) & (off <= near)
        labels[inside] = 3
        labels[inside & (depth <= near)] = 2
    labels[to_virtual <= near] = 1
    labels[to_training <= near] = 0
    return Classification(labels, to_training, to_virtual)
