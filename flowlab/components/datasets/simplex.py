"""Any simplex."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from attrs import frozen

from flowlab.api import (
    Context,
    NodeError,
    NodeSpec,
    Result,
    TrainingSetSpec,
    ValidationIssue,
    parameter,
    training_set,
)
from flowlab.api.helpers.training_set import check_repeats, points_table


@frozen
class Simplex:
    """Any training points in general position: N vertices in at least N - 1 dimensions.

    If the simplex is obtuse or orthogonal at a vertex, or an equilateral triangle, the closed form has minimum
    norm by a theorem. For any other simplex it is the cheapest sum of slabs, an upper bound; `conjecture` in the
    metrics then says so. Source: arXiv 2506.19031, Section 3 and Appendices B, C.
    """

    vertices: tuple[tuple[float, ...], ...] = parameter(help="coordinates, one row per vertex", unit="data units")
    samples: int = parameter(100, help="noisy samples per point, M", ge=1)
    repeats: tuple[int, ...] = parameter(
        (), help="how often each point is in the training set, with other noise each time (default: once)", ge=1
    )

    def check(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> Iterator[ValidationIssue]:
        """Check that the rows have one length and are affinely independent."""
        import numpy as np

        yield from check_repeats(self.repeats, len(self.vertices))
        if len(self.vertices) < 2:
            yield ValidationIssue("vertices", "a simplex has at least two vertices")
        elif len({len(row) for row in self.vertices}) > 1 or not self.vertices[0]:
            yield ValidationIssue("vertices", "every vertex needs the same number of coordinates")
        else:
            rows = np.array(self.vertices)
            edges = rows[1:] - rows[0]
            rank = int(np.linalg.matrix_rank(edges, tol=1e-9 * np.linalg.norm(edges, 2)))
            if rank < len(rows) - 1:
                yield ValidationIssue(
                    "vertices", f"{len(rows)} vertices span {rank} dimensions: not in general position"
                )

    def value_spec(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> TrainingSetSpec:
        """What is known of the training set before the run."""
        return TrainingSetSpec(
            points=len(self.vertices),
            dimension=len(self.vertices[0]) if self.vertices else None,
            samples=self.samples,
            closed_form=True,
            separable=False,
            axis_box=False,
        )

    def build(self, context: Context) -> Result:
        """Build the vertices and their geometry.

        Raises NodeError where the points are no simplex.
        """
        import torch

        from flowlab.theory.geometry.simplex import simplex_geometry

        try:
            geometry = simplex_geometry(torch.tensor(self.vertices, dtype=context.dtype, device=context.device))
        except ValueError as error:
            raise NodeError(str(error)) from error
        count, dimension = geometry.points.shape
        metrics = {
            "points": count,
            "dimension": dimension,
            "smallest_gap": torch.nn.functional.pdist(geometry.points).min().item(),
            "conjecture": geometry.conjecture,
        }
        return Result(
            training_set(geometry, self.samples, context, repeats=self.repeats),
            metrics,
            {"points": points_table(geometry.points)},
        )
