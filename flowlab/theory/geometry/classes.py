"""The class of an endpoint: training point, virtual point, boundary, interior, elsewhere."""

from __future__ import annotations

import math

import torch
from attrs import frozen
from torch import Tensor

from flowlab.theory.geometry.geometry import Geometry
from flowlab.theory.geometry.subset_sums import Metric, nearest_sum, norm


@frozen
class Classification:
    """The classes of S endpoints, and their distances to the nearest training and virtual point.

    labels (S,): 0 to 4 for training, virtual, boundary, interior, elsewhere. to_training (S,) and to_virtual (S,)
    are distances in data units; to_virtual is inf where there is no sum of two edges or more.
    """

    labels: Tensor
    to_training: Tensor
    to_virtual: Tensor

    def count_ambiguous(self, near: float) -> int:
        """The number of endpoints within a distance of a training point and of a virtual point, too."""
        return int(((self.to_training <= near) & (self.to_virtual <= near)).sum())


def classify(y: Tensor, geometry: Geometry, threshold: float, metric: Metric) -> Classification:
    """Classify endpoints y (S, d) by the first of five rules that holds.

    training: within the threshold of a training point. virtual: within it of a sum of two edges or more.
    elsewhere: outside the cell by more than the threshold, or the geometry has no cell. boundary: within the
    threshold of a facet of the cell. interior: all the rest. The threshold is a share of the geometry's scale.
    Distances to points are in ambient coordinates and the given metric, distances to facets are Euclidean.
    Source: arXiv 2506.19031, Section 5, for training, virtual and boundary.
    """
    near = threshold * geometry.scale
    to_training = _distance_to_nearest(y, geometry.points, metric)
    # about an anchor inside the hull every point has an edge, and the sum of all edges is no candidate
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


def count_crowded(points: Tensor, near: float, metric: Metric, most: int = 500) -> tuple[int, int]:
    """How many of the points (N, d) have another within a distance, and of how many: of the first `most` at most.

    An endpoint near such points is near several of them. Distances in linf can be far below those in l2.
    """
    order = math.inf if metric == "linf" else 2.0
    checked = points[:most]
    distances = torch.cdist(checked, points, p=order, compute_mode="donot_use_mm_for_euclid_dist")
    distances.fill_diagonal_(math.inf)
    return int((distances <= near).any(-1).sum()), len(checked)


def _distance_to_nearest(y: Tensor, points: Tensor, metric: Metric) -> Tensor:
    """The distance of each y (S, d) to the nearest of points (N, d): (S,); the differences are never held."""
    order = math.inf if metric == "linf" else 2.0
    return torch.cdist(y, points, p=order, compute_mode="donot_use_mm_for_euclid_dist").amin(-1)
