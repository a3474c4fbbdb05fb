"""Orthogonal points with random displacements, described by the theory of orthogonal points."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from attrs import frozen

from flowlab.api import (
    Context,
    Frame,
    NodeError,
    NodeSpec,
    Result,
    TrainingSetSpec,
    ValidationIssue,
    orthonormal_frame,
    parameter,
    training_set,
)
from flowlab.api.helpers.training_set import points_table


@frozen
class PerturbedOrthogonal:
    """The origin and orthogonal points with random displacements, described by the theory of orthogonal points.

    x_0 = 0 and x_n = norm (q_n + displacement e_n), q_n orthonormal, e_n uniform on the unit sphere. The closed
    form, the subset sums and the cell are those of orthogonal edges with x_n in place of norm q_n. They are exact
    at displacement 0 and an approximation elsewhere. Frame, e_n and noise are equal in all settings of a sweep.
    """

    dimension: int = parameter(help="ambient dimension d", ge=1)
    points: int = parameter(help="number of training points N, the origin counted", ge=2)
    samples: int = parameter(100, help="noisy samples per point, M", ge=1)
    displacement: float = parameter(0.0, help="length of each displacement, as a share of the norm", ge=0, lt=1)
    norm: float = parameter(1.0, help="norm of the points before the displacement", unit="data units", gt=0)
    frame: Frame = parameter("random", help="directions: a random frame (by QR) or the first axes")

    def check(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> Iterator[ValidationIssue]:
        """Check that the directions fit into the space."""
        if self.points - 1 > self.dimension:
            yield ValidationIssue(
                "points", f"{self.points - 1} directions don't fit in {self.dimension} dimensions"
            )

    def value_spec(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> TrainingSetSpec:
        """What is known of the training set before the run."""
        return TrainingSetSpec(
            points=self.points,
            dimension=self.dimension,
            samples=self.samples,
            edges=self.points - 1,
            slabs=self.points - 1,
            closed_form=True,
            separable=False,
            axis_box=False,
            stable_sums=True,
            largest_radius=None if self.displacement else self.norm / 2,
        )

    def build(self, context: Context) -> Result:
        """Build the displaced points and their geometry.

        Raises NodeError where the points are linearly dependent.
        """
        import torch

        from flowlab.theory.geometry.geometry import Geometry
        from flowlab.theory.geometry.orthogonal import orthogonal_closed_form
        from flowlab.theory.geometry.polytope import box

        count = self.points - 1
        frame = orthonormal_frame(self.frame, count, self.dimension, context)
        normal = torch.randn(
            count, self.dimension, generator=context.generator("displacements"), dtype=torch.float64
        )
        directions = torch.nn.functional.normalize(normal, dim=-1).to(frame)
        edges = self.norm * (frame + self.displacement * directions)
        if int(torch.linalg.matrix_rank(edges)) < count:
            raise NodeError(f"displaced by {self.displacement:g}, the points are linearly dependent: no box")
        origin = torch.zeros_like(edges[0])
        points = torch.cat([origin[None], edges])
        geometry = Geometry(
            points,
            origin,
            edges,
            box(origin, edges),
            orthogonal_closed_form(origin, edges),
            conjecture="the closed form of orthogonal points is applied to points that are not orthogonal"
            if self.displacement
            else None,
        )
        units = edges / edges.norm(dim=-1, keepdim=True)
        cosines = (units @ units.mT).fill_diagonal_(0)
        metrics = {
            "points": self.points,
            "dimension": self.dimension,
            "largest_cosine": cosines.abs().max().item(),
            "conjecture": geometry.conjecture,
        }
        return Result(training_set(geometry, self.samples, context), metrics, {"points": points_table(points)})
