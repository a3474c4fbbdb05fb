"""Orthogonal training points."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import attrs
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
class Orthogonal:
    """Mutually orthogonal points, with or without the origin as a training point.

    x_0 = 0 and x_n = norm_n q_n with q_n orthonormal. With the origin, h is known in closed form, its stable
    points are all 2^(N-1) subset sums, the vertices of a hyperbox, and the flows are known exactly. Without the
    origin the points are an acute simplex. Source: arXiv 2506.19031, Section 3 and Theorem 4.2; arXiv 2311.06748.
    """

    dimension: int = parameter(help="ambient dimension d", ge=1)
    points: int = parameter(help="number of training points N, the origin counted", ge=2)
    samples: int = parameter(100, help="noisy samples per point, M", ge=1)
    origin: bool = parameter(True, help="whether the origin is a training point")
    norm: float | tuple[float, ...] = parameter(
        1.0, help="norm of the points, one for all or one per point without the origin", unit="data units", gt=0
    )
    frame: Frame = parameter("random", help="directions: a random frame (by QR) or the first axes")
    draw: int = parameter(0, help="number of the draw of the noise, for sweeps over draws", ge=0)
    repeats: tuple[int, ...] = parameter(
        (), help="how often each point is in the training set, with other noise each time (default: once)", ge=1
    )

    def check(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> Iterator[ValidationIssue]:
        """Check that the directions fit into the space and that each has a norm."""
        yield from check_repeats(self.repeats, self.points)
        directions = self.points - self.origin
        if directions > self.dimension:
            yield ValidationIssue(
                "points", f"{directions} orthogonal directions don't fit in {self.dimension} dimensions"
            )
        if isinstance(self.norm, tuple) and len(self.norm) != directions:
            yield ValidationIssue("norm", f"{len(self.norm)} norms for {directions} points")

    def value_spec(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> TrainingSetSpec:
        """What is known of the training set before the run."""
        norms = self.norm if isinstance(self.norm, tuple) else (self.norm,)
        known = TrainingSetSpec(
            points=self.points,
            dimension=self.dimension,
            samples=self.samples,
            closed_form=True,
            separable=self.origin,
            axis_box=self.origin and (self.frame == "standard" or self.dimension == 1),
        )
        if not self.origin:  # where subset sums start depends on the norms
            return known
        return attrs.evolve(
            known,
            edges=self.points - 1,
            slabs=self.points - 1,
            stable_sums=True,
            largest_radius=min(norms, default=0.0) / 2,
        )

    def build(self, context: Context) -> Result:
        """Build the points and their geometry.

        Raises NodeError where the points are not orthogonal to rounding, or their norms differ by too much.
        """
        import torch

        from flowlab.theory.geometry.simplex import simplex_geometry

        frame = orthonormal_frame(self.frame, self.points - self.origin, self.dimension, context)
        slack = 100 * torch.finfo(context.dtype).eps  # the rounding of a QR
        if bool((frame @ frame.mT - torch.eye(len(frame)).to(frame)).abs().max() > slack):
            raise NodeError("the points are not orthogonal to rounding")
        norms = torch.tensor(self.norm, dtype=context.dtype, device=context.device).expand(len(frame))
        points = norms[:, None] * frame
        if self.origin:
            points = torch.cat([torch.zeros_like(points[:1]), points])
        try:
            geometry = attrs.evolve(simplex_geometry(points), separable=self.origin)
        except ValueError as error:  # norms of very different size
            raise NodeError(str(error)) from error
        return Result(
            training_set(geometry, self.samples, context, self.draw, self.repeats),
            {"points": self.points, "dimension": self.dimension, "smallest_norm": norms.min().item()},
            {"points": points_table(geometry.points)},
        )
