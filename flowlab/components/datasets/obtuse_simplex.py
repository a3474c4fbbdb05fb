"""Obtuse simplices."""

from __future__ import annotations

import math
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
from flowlab.api.helpers.training_set import check_repeats, points_table


@frozen
class ObtuseSimplex:
    """The vertices of a simplex whose edges from one vertex all meet at one obtuse angle.

    x_0 = 0 and x_n = length_n u_n with u_i . u_j = cos(angle) < 0. The subset sum of I is a stable point if and
    only if sum_{n in I, n != k} |u_k . v_n| <= rho for each k in I. Source: arXiv 2506.19031, Appendix B.
    """

    dimension: int = parameter(help="ambient dimension d", ge=2)
    points: int = parameter(help="number of vertices N, at most d + 1", ge=3)
    samples: int = parameter(100, help="noisy samples per point, M", ge=1)
    angle: float = parameter(100.0, help="angle between every two edges from x_0", unit="degrees", gt=90, lt=180)
    length: float | tuple[float, ...] = parameter(
        1.0, help="length of the edges, one for all or one per edge", unit="data units", gt=0
    )
    frame: Frame = parameter("standard", help="directions: the first axes, or a random frame (by QR)")
    repeats: tuple[int, ...] = parameter(
        (), help="how often each point is in the training set, with other noise each time (default: once)", ge=1
    )

    def check(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> Iterator[ValidationIssue]:
        """Check that this many edges fit into the space, and can meet at the angle."""
        yield from check_repeats(self.repeats, self.points)
        edges = self.points - 1
        if edges > self.dimension:
            yield ValidationIssue("points", f"a simplex of {self.points} vertices needs dimension >= {edges}")
        # the Gram matrix of k unit vectors at one angle is positive definite iff cos > -1 / (k - 1)
        widest = math.degrees(math.acos(-1 / (edges - 1))) if edges > 1 else 180.0
        if self.angle >= widest * (1 - 1e-12):  # by rounding, 120 itself is below acos(-1/2)
            yield ValidationIssue(
                "angle", f"{edges} edges can't all meet at {self.angle:g} degrees: below {widest:.5g}"
            )
        if isinstance(self.length, tuple) and len(self.length) != edges:
            yield ValidationIssue("length", f"{len(self.length)} lengths for {edges} edges")

    def value_spec(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> TrainingSetSpec:
        """What is known of the training set before the run."""
        lengths = self.length if isinstance(self.length, tuple) else (self.length,)
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
            largest_radius=min(lengths, default=0.0) / 2,
        )

    def build(self, context: Context) -> Result:
        """Build the vertices and their geometry.

        Raises NodeError where rounding leaves no obtuse simplex.
        """
        import torch

        from flowlab.theory.geometry.simplex import simplex_geometry

        edges = self.points - 1
        gram = torch.full((edges, edges), math.cos(math.radians(self.angle)), dtype=torch.float64)
        units, failed = torch.linalg.cholesky_ex(gram.fill_diagonal_(1.0))
        if bool(failed):
            raise NodeError(f"{edges} edges can't all meet at {self.angle:g} degrees")
        lengths = torch.tensor(self.length, dtype=context.dtype, device=context.device)
        frame = orthonormal_frame(self.frame, edges, self.dimension, context)
        vectors = lengths.expand(edges)[:, None] * (units.to(frame) @ frame)
        inner = (vectors @ vectors.mT).fill_diagonal_(-1.0)
        if bool((inner >= 0).any()):
            raise NodeError("the simplex is not obtuse at its first vertex")
        try:
            geometry = simplex_geometry(torch.cat([torch.zeros_like(vectors[:1]), vectors]))
        except ValueError as error:
            raise NodeError(str(error)) from error
        return Result(
            training_set(geometry, self.samples, context, repeats=self.repeats),
            {"points": self.points, "dimension": self.dimension, "shortest_edge": lengths.min().item()},
            {"points": points_table(geometry.points)},
        )
