"""How many flows end in each training point."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen

from flowlab.api import Classes, Context, Result, Table, reference


@frozen
class EndsByPoint:
    """Shares of starts whose flow ends in each training point, as the classifier has it.

    An endpoint of the class training is counted with the nearest point.
    """

    classifier: str = reference("classifier", help="classified endpoints")

    def build(self, context: Context, *, classifier: Classes) -> Result:
        """One row a flow and point; metrics are the shares by the point's number."""
        import torch

        rows: list[dict[str, str | int | float]] = []
        metrics: dict[str, Mapping[str, float]] = {}
        for name, flow in classifier.flows.items():
            points, ends = flow.bank.training.geometry.points, flow.ends
            counts = flow.bank.training.counts or (1,) * len(points)
            kept = ends[classifier.labels[name] == 0]
            nearest = torch.cdist(kept, points).argmin(-1)
            found = nearest.bincount(minlength=len(points)).tolist()
            metrics[name] = {str(n): count / len(ends) for n, count in enumerate(found)}
            rows += [
                {"flow": name, "point": n, "repeats": counts[n], "count": count, "share": count / len(ends)}
                for n, count in enumerate(found)
            ]
        return Result(metrics, metrics, {"points": Table.of(rows)})
