"""Points on a line."""

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
    training_set,
)
from flowlab.api.helpers.training_set import points_table


@frozen
class Line:
    """Training points on one line, for which the min-norm denoiser is piecewise linear.

    No subset sum is a virtual point. The flows end on the segment between the outermost points.
    Source: arXiv 2311.06748, the one-dimensional solution.
    """

    coordinates: tuple[float, ...] = parameter(help="positions along the line", unit="data units")
    dimension: int = parameter(2, help="ambient dimension d", ge=1)
    samples: int = parameter(100, help="noisy samples per point, M", ge=1)
    frame: Frame = parameter("standard", help="direction: the first axis, or a random one")

    def check(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> Iterator[ValidationIssue]:
        """Check that there are at least two positions, all distinct."""
        if len(set(self.coordinates)) < max(2, len(self.coordinates)):
            yield ValidationIssue("coordinates", "a line needs at least two points, all distinct")

    def value_spec(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> TrainingSetSpec:
        """What is known of the training set before the run."""
        gaps = [after - before for before, after in pairwise(sorted(self.coordinates))]
        return TrainingSetSpec(
            points=len(self.coordinates),
            dimension=self.dimension,
            samples=self.samples,
            edges=0,
            slabs=len(gaps),
            closed_form=True,
            separable=True,
            axis_box=False,
            stable_sums=False,
            largest_radius=min(gaps, default=0.0) / 2,
        )

    def build(self, context: Context) -> Result:
        """Build the points, in order, and their geometry."""
        import torch

        from flowlab.theory.geometry.line import line_geometry

        axis = orthonormal_frame(self.frame, 1, self.dimension, context)
        places = torch.tensor(sorted(self.coordinates), dtype=context.dtype, device=context.device)
        geometry = line_geometry(places[:, None] * axis)
        metrics = {
            "points": len(places),
            "dimension": self.dimension,
            "smallest_gap": places.diff().min().item(),
        }
        return Result(
            training_set(geometry, self.samples, context), metrics, {"points": points_table(geometry.points)}
        )
