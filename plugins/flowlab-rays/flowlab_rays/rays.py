"""Points on rays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import ClassVar

from attrs import frozen

from flowlab.api import (
    Context,
    Frame,
    NodeSpec,
    Result,
    ValidationIssue,
    orthonormal_frame,
    parameter,
    points_table,
    training_set,
)

# Sums of so many points are enumerated; beyond, flowlab rounds coordinates, which is for one point a ray.
_ENUMERATED = 12


@frozen
class Rays:
    """Training points on rays from a common anchor at right angles, a line's denoiser along each ray.

    x_0 = 0 and x_ri = t_ri q_r with q_r orthonormal. h(y) = sum_r q_r phi_r(q_r . y), phi_r the closed form of
    0, t_r1, t_r2, ... on a line. Its stable points take one of these from each ray: the training points lie on the
    axes of a grid that is all stable. One point a ray is an orthogonal set, one ray a line. Source: arXiv
    2311.06748, the solution on one-sided rays; a proof for right angles stands in the README.
    """

    separable: ClassVar[bool] = True

    distances: tuple[tuple[float, ...], ...] = parameter(
        help="distances of the points from the anchor, a row a ray", unit="data units", gt=0
    )
    dimension: int = parameter(2, help="ambient dimension d", ge=1)
    samples: int = parameter(100, help="noisy samples a point, M", ge=1)
    frame: Frame = parameter("standard", help="directions of the rays: the first axes, or a random frame")

    def check(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> Iterator[ValidationIssue]:
        """Rays with distinct points, as many as fit."""
        if not self.distances or not all(self.distances):
            yield ValidationIssue("distances", "at least one ray is needed, and a point on each")
        if any(len(set(row)) < len(row) for row in self.distances):
            yield ValidationIssue("distances", "the points of a ray must be distinct")
        if len(self.distances) > self.dimension:
            yield ValidationIssue(
                "distances", f"{len(self.distances)} rays don't fit in {self.dimension} dimensions"
            )
        if sum(map(len, self.distances)) > _ENUMERATED and max(map(len, self.distances)) > 1:
            yield ValidationIssue("distances", f"with several points on a ray, at most {_ENUMERATED} in all")

    def build(self, context: Context) -> Result:
        """Lay the anchor and the points, ray by ray and outwards, and their theory."""
        from flowlab_rays.geometry import rays_geometry

        frame = orthonormal_frame(self.frame, len(self.distances), self.dimension, context)
        geometry = rays_geometry(frame, self.distances)
        metrics = {
            "points": len(geometry.points),
            "dimension": self.dimension,
            "rays": len(self.distances),
            "smallest_gap": min(_smallest_gap(row) for row in self.distances),
        }
        return Result(
            training_set(geometry, self.samples, context), metrics, {"points": points_table(geometry.points)}
        )


def _smallest_gap(distances: tuple[float, ...]) -> float:
    places = sorted([0.0, *distances])
    return min(outer - inner for inner, outer in pairwise(places))
