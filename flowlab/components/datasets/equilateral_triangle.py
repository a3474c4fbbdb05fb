"""The equilateral triangle."""

from __future__ import annotations

import math
from collections.abc import Mapping

from attrs import frozen

from flowlab.api import (
    Context,
    NodeSpec,
    Result,
    TrainingSetSpec,
    parameter,
    training_set,
)
from flowlab.api.helpers.training_set import points_table


@frozen
class EquilateralTriangle:
    """An equilateral triangle centred at the origin; at low noise only its vertices are stable.

    |x_n| = radius and u_i . u_j = -1/2. At low noise the probability flow ends on the face, the score flow in a
    vertex. Source: arXiv 2506.19031, Appendix C.
    """

    samples: int = parameter(100, help="noisy samples per point, M", ge=1)
    radius: float = parameter(1.0, help="distance of the vertices from the centre", unit="data units", gt=0)
    dimension: int = parameter(2, help="ambient dimension d", ge=2)

    def value_spec(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> TrainingSetSpec:
        """What is known of the training set before the run."""
        return TrainingSetSpec(
            points=3,
            dimension=self.dimension,
            samples=self.samples,
            edges=3,
            slabs=3,
            closed_form=True,
            separable=False,
            axis_box=False,
            stable_sums=True,
            largest_radius=0.75 * self.radius,
        )

    def build(self, context: Context) -> Result:
        """Build the vertices and their geometry."""
        import torch

        from flowlab.theory.geometry.simplex import simplex_geometry

        turns = torch.arange(3, dtype=torch.float64) * (2 * math.pi / 3) + math.pi / 2
        points = torch.zeros(3, self.dimension, dtype=context.dtype, device=context.device)
        points[:, 0], points[:, 1] = self.radius * turns.cos(), self.radius * turns.sin()
        geometry = simplex_geometry(points)
        metrics = {"points": 3, "dimension": self.dimension, "side": self.radius * math.sqrt(3)}
        return Result(
            training_set(geometry, self.samples, context), metrics, {"points": points_table(geometry.points)}
        )
