"""The classes of the states of a flow, from its start to its end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import isfinite
from typing import Any, Literal

from attrs import frozen

from flowlab.api import (
    CLASSES,
    ClassesOverTime,
    Context,
    NodeSpec,
    Result,
    Trajectories,
    parameter,
    reference,
)


@frozen
class ClassHistory:
    """The shares of the classes along each flow: which part of the cell it reaches first, and when.

    A state is classified as if the flow ended there. A limit is at time inf.
    """

    flow: tuple[str, ...] = reference("flow", many=True, help="flows whose states are classified")
    metric: Literal["linf", "l2"] = parameter("linf", help="norm of the distance to a point")
    threshold: float = parameter(0.2, help="largest distance to a point or facet", unit="shortest lengths", gt=0)
    times: int = parameter(50, help="most times of each flow, at equal distances in its steps", ge=2)

    def places(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> Iterator[str]:
        """The places of the numbers of each flow."""
        for flow in inputs["flow"]:
            yield from (f"{flow.name}.{number}" for number in ("half_on_the_cell", "half_at_stable_points"))

    def build(self, context: Context, *, flow: Mapping[str, Trajectories]) -> Result[ClassesOverTime]:
        """Classify the states, in a table with one row per flow and time."""
        import torch

        from flowlab.theory.geometry.classes import classify

        rows: list[dict[str, Any]] = []
        metrics: dict[str, dict[str, float | None]] = {}
        for done, (name, path) in enumerate(flow.items()):
            flow_rows: list[dict[str, Any]] = []
            count = len(path.times)
            indices = torch.linspace(0, count - 1, min(self.times, count)).round().long().tolist()
            for index in indices:
                geometry = path.bank.training.geometry
                labels = classify(path.states[index], geometry, self.threshold, self.metric).labels
                shares = (labels.bincount(minlength=len(CLASSES)) / len(labels)).tolist()
                row = {"flow": name, "kind": path.name, "time": path.times[index].item()}
                flow_rows.append({**row, **dict(zip(CLASSES, shares, strict=True))})
            rows += flow_rows
            metrics[name] = {
                "half_on_the_cell": _first_half(flow_rows, CLASSES[:-1]),
                "half_at_stable_points": _first_half(flow_rows, CLASSES[:2]),
            }
            context.progress(done + 1, len(flow), {})
        table = ClassesOverTime.of(rows)
        return Result(table, metrics, {"history": table})


def _first_half(rows: Sequence[Mapping[str, Any]], classes: Sequence[str]) -> float | None:
    """The first finite time at which half of the starts or more are in one of the classes, else None."""
    finite = (row for row in rows if isfinite(row["time"]))
    return next((row["time"] for row in finite if sum(row[name] for name in classes) >= 0.5), None)
