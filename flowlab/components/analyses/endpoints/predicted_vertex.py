"""Whether flows end in the vertex that theory predicts from the start alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from attrs import frozen

from flowlab.api import (
    Cell,
    Context,
    NodeError,
    NodeSpec,
    PredictedVertices,
    Result,
    Trajectories,
    ValidationIssue,
    parameter,
    reference,
)


@frozen
class PredictedVertex:
    """The share of starts whose flow ends in the vertex that theory predicts from the start alone.

    Along each axis of an orthogonal set the flow goes to the nearer end, and on a line to the nearer training
    point. The vertex is x_0 + sum of the v_n with u_n . (y - x_0) > l_n / 2. Source: arXiv 2506.19031, Theorem
    4.3.
    """

    flow: tuple[str, ...] = reference("flow", many=True, help="score flows")
    threshold: float = parameter(
        1e-3, help="largest distance (L-infinity) from the vertex", unit="shortest lengths", gt=0
    )

    def places(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> Iterator[str]:
        """The places of the numbers of each flow."""
        figures = ("starts", "reached", "share", "distance_max", "margin_of_the_lost")
        for flow in inputs["flow"]:
            yield from (f"{flow.name}.{figure}" for figure in figures)

    def check(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> Iterator[ValidationIssue]:
        """Check that theory predicts a vertex."""
        for flow in inputs["flow"]:
            training = flow.value_spec.bank.training
            if training.separable is False or training.closed_form is False:
                yield ValidationIssue(
                    "flow",
                    f"no vertex is predicted for {flow.name!r}: only for orthogonal sets with the origin and for "
                    "lines",
                )

    def build(self, context: Context, *, flow: Mapping[str, Trajectories]) -> Result[PredictedVertices]:
        """Compare the endpoints with the predicted vertices, in a table with one row per flow and start.

        Raises NodeError where theory predicts no vertex.
        """
        rows: list[dict[str, Cell]] = []
        metrics: dict[str, dict[str, float]] = {}
        for name, path in flow.items():
            geometry = path.bank.training.geometry
            if not geometry.separable or geometry.closed_form is None:
                raise NodeError(f"{name}: a vertex is predicted for orthogonal sets with the origin and for lines")
            # at rho = 0 the value of a slab is 1/2 in the middle of its edge
            slabs = geometry.closed_form(geometry.points.new_zeros(1))
            heights = slabs.values(path.starts[None])[0]
            vertex = slabs.offset[0] + (heights > 0.5).to(heights) @ slabs.jumps[0]
            distance = (path.ends - vertex).abs().amax(-1)
            margin = ((heights - 0.5).abs() * slabs.widths[0]).amin(-1)
            reached = distance <= self.threshold * geometry.scale
            rows += [
                {"flow": name, "start": start, "reached": hit, "distance": off, "margin": to_middle}
                for start, (hit, off, to_middle) in enumerate(
                    zip(reached.tolist(), distance.tolist(), margin.tolist(), strict=True)
                )
            ]
            metrics[name] = {
                "starts": len(reached),
                "reached": int(reached.sum()),
                "share": reached.double().mean().item(),
                "distance_max": distance.max().item(),
                "margin_of_the_lost": margin[~reached].max().item() if not bool(reached.all()) else 0.0,
            }
        table = PredictedVertices.of(rows)
        return Result(table, metrics, {"vertices": table})
