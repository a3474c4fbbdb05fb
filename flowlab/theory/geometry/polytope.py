"""The convex cells in which probability flows end: a box of edges, the hull of a simplex."""

from __future__ import annotations

import torch
from attrs import frozen
from torch import Tensor


@frozen
class Polytope:
    """The convex set of all y in center + span(basis) with normals . y + heights >= 0, in data units.

    normals (F, d) are unit vectors in the span, one per facet; heights (F,); center (d,); basis (B, d) is
    orthonormal.
    """

    normals: Tensor
    heights: Tensor
    center: Tensor
    basis: Tensor

    def depths(self, y: Tensor) -> Tensor:
        """The signed distance of y (..., d) from the hyperplane of each facet, positive inside: (..., F)."""
        depths: Tensor = y @ self.normals.mT + self.heights
        return depths

    def perpendicular(self, y: Tensor) -> Tensor:
        """The part of y - center, y (..., d), that is perpendicular to the span of the cell: (..., d)."""
        shifted = y - self.center
        return shifted - shifted @ self.basis.mT @ self.basis


def _basis(edges: Tensor) -> Tensor:
    _, singular, rows = torch.linalg.svd(edges, full_matrices=False)
    # a share of the largest edge: far above rounding, far below any angle that a user sets
    return rows[singular > 1e-9 * singular[0]]


def box(anchor: Tensor, edges: Tensor) -> Polytope:
    """The box {anchor + sum_n s_n v_n : 0 <= s_n <= 1} of independent edges v (E, d)."""
    dual = torch.linalg.pinv(edges).mT
    lengths = dual.norm(dim=-1, keepdim=True)
    normals = dual / lengths
    low = -(normals @ anchor)
    high = 1 / lengths[:, 0] - low
    return Polytope(
        torch.cat([normals, -normals]),
        torch.cat([low, high]),
        anchor + edges.sum(0) / 2,
        _basis(edges),
    )


def hull(points: Tensor) -> Polytope:
    """The convex hull of the vertices of a simplex, points (N, d)."""
    count = len(points)
    # differences from a point are exact; differences from a rounded mean would span one dimension too many
    edges = points - points[0]
    about = edges - edges.mean(0)
    # barycentric coordinates are affine: solve for their gradient and constant within the span
    center = points.mean(0)
    gradients = torch.linalg.pinv(about).mT
    lengths = gradients.norm(dim=-1, keepdim=True)
    normals = gradients / lengths
    heights = (1 / count - gradients @ center) / lengths[:, 0]
    return Polytope(normals, heights, center, _basis(about))


def segment(start: Tensor, end: Tensor) -> Polytope:
    """The segment from start (d,) to end (d,)."""
    return hull(torch.stack([start, end]))
