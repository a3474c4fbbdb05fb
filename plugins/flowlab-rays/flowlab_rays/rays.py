"""Training points on rays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise

from attrs import frozen

from flowlab.api import (
    Context,
    Frame,
    NodeSpec,
    Result,
    TrainingSetSpec,
    ValidationIssue,
    orthonormal_frame,
    parameter,
    points_table,
    training_set,
)

# Up to this many points flowlab enumerates sums; for more it rounds coordinates, which needs one point per ray.
_ENUMERATED = 12


@frozen
class Rays:
    """Training points on rays at right angles from a common anchor, with the denoiser of a line along each ray.

    x_0 = 0 and x_ri = t_ri q_r with q_r orthonormal. h(y) = sum_r q_r phi_r(q_r . y), where phi_r is the closed
    form of 0, t_r1, t_r2, ... on a line. A stable point has one of these coordinates along each ray, so the stable
    points are a grid, and the training points are on its axes. With one point per ray it is an orthogonal set,
    with one ray a line. Source: arXiv 2311.06748, the solution on one-sided rays; the README has a proof for right
    angles.
    """

    distances: tuple[tuple[float, ...], ...] = parameter(
        help="distances of the points from the anchor, one row per ray", unit="data units", gt=0
    )
    dimension: int = parameter(2, help="ambient dimension d", ge=1)
    samples: int = parameter(100, help="noisy samples per point, M", ge=1)
    frame: Frame = parameter("standard", help="directions of the rays: the first axes, or a random frame")

    def check(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> Iterator[ValidationIssue]:
        """Check that the rays fit into the space and that the points on each are distinct."""
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

    def value_spec(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> TrainingSetSpec:
        """What is known of the training set before the run."""
        return TrainingSetSpec(
            points=1 + sum(map(len, self.distances)),
            dimension=self.dimension,
            samples=self.samples,
            closed_form=True,
            separable=True,
            stable_sums=False if max(map(len, self.distances), default=0) > 1 else None,
        )

    def build(self, context: Context) -> Result:
        """Build the anchor and the points, ray by ray and outwards, and their geometry."""
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
    coordinates = sorted([0.0, *distances])
    return min(outer - inner for inner, outer in pairwise(coordinates))
