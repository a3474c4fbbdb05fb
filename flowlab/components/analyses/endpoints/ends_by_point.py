"""The number of flows that end in each training point."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen

from flowlab.api import Classes, Context, EndCounts, Result, reference


@frozen
class EndsByPoint:
    """The share of starts whose flow ends in each training point, by the classifier.

    An endpoint of the class training is counted for the nearest training point.
    """

    classifier: str = reference("classifier", help="classified endpoints")

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
