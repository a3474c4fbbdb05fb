"""The number of flows that end in each training point."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from attrs import frozen

from flowlab.api import (
    Classes,
    Context,
    EndCounts,
    NodeSpec,
    Result,
    reference,
)
from flowlab.api.metric_places import flow_names


@frozen
class EndsByPoint:
    """The share of starts whose flow ends in each training point, by the classifier.

    An endpoint of the class training is counted for the nearest training point.
    """

    classifier: str = reference("classifier", help="classified endpoints")

    def places(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> Iterator[str]:
        """The places of the shares of each flow, by training point."""
        flow_specs = inputs["classifier"][0].value_spec.flows or {}
        for flow in flow_names(inputs["classifier"][0]):
            points = flow_specs[flow].bank.training.points if flow in flow_specs else None
            yield from (f"{flow}.{'*' if points is None else n}" for n in range(points or 1))

    def build(self, context: Context, *, classifier: Classes) -> Result[EndCounts]:
        """Count the endpoints, in a table with one row per flow and point."""
        import torch

        rows: list[dict[str, str | int | float]] = []
        metrics: dict[str, Mapping[str, float]] = {}
        for name, flow in classifier.flows.items():
            points, ends = flow.bank.training.geometry.points, flow.ends
            counts = flow.bank.training.counts or (1,) * len(points)
            at_training = ends[classifier.labels[name] == 0]
            nearest = torch.cdist(at_training, points).argmin(-1)
            totals = nearest.bincount(minlength=len(points)).tolist()
            metrics[name] = {str(n): count / len(ends) for n, count in enumerate(totals)}
            rows += [
                {"flow": name, "point": n, "repeats": counts[n], "count": count, "share": count / len(ends)}
                for n, count in enumerate(totals)
            ]
        table = EndCounts.of(rows)
        return Result(table, metrics, {"points": table})
