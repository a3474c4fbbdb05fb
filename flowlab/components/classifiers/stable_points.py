"""The class of each endpoint, by its distances to the stable points of theory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from attrs import frozen

from flowlab.api import (
    CLASSES,
    HALF_STEP,
    Classes,
    ClassesSpec,
    Context,
    NodeSpec,
    Result,
    Table,
    Trajectories,
    half_step_shortfall,
    parameter,
    reference,
)

if TYPE_CHECKING:
    from torch import Tensor


@frozen
class StablePoints:
    """Training point, virtual point, hyperbox boundary, interior, or elsewhere, within a threshold.

    The first rule that holds decides. training: within the threshold of a training point. virtual: within it of a
    sum of two or more. elsewhere: outside the cell by more than the threshold. boundary: within the threshold of
    the boundary of the cell. interior: all the rest. Distances to points are in ambient coordinates. The threshold
    is a share of the shortest length of the points: their least distance, or the shortest edge. For an integrated
    flow, the metrics count the endpoints that change at half the step: to another class, or by more than the
    threshold. If more than 1 % change, the result falls short. Source: arXiv 2506.19031, Section 5 (threshold 0.2
    in L-infinity and L2, points of norm 1).
    """

    flow: tuple[str, ...] = reference("flow", many=True, help="flows whose endpoints are classified")
    metric: Literal["linf", "l2"] = parameter("linf", help="norm of the distance to a point")
    threshold: float = parameter(0.2, help="largest distance to a point or facet", unit="shortest lengths", gt=0)

    def value_spec(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> ClassesSpec:
        """What is known of the flows before the run."""
        return ClassesSpec({flow.name: flow.value_spec for flow in inputs["flow"]}, self.metric)

    def build(self, context: Context, *, flow: Mapping[str, Trajectories]) -> Result:
        """Classify all endpoints; the metrics are the counts of each flow."""
        from flowlab.theory.geometry.classes import classify

        classified = {
            name: classify(path.ends, path.bank.training.geometry, self.threshold, self.metric)
            for name, path in flow.items()
        }
        labels = {name: classes.labels for name, classes in classified.items()}
        changed = {name: self._count_changes(path, labels[name]) for name, path in flow.items()}
        classes = Classes(labels, flow, self.threshold, self.metric, changed)
        rows = [
            (name, start, CLASSES[label], near, virtual if virtual < float("inf") else None)
            for name, ends in classified.items()
            for start, (label, near, virtual) in enumerate(
                zip(
                    ends.labels.tolist(),
                    ends.to_training.tolist(),
                    ends.to_virtual.tolist(),
                    strict=True,
                )
            )
        ]
        names = ("flow", "start", "class", "distance_training", "distance_virtual")
        table = Table(dict(zip(names, zip(*rows, strict=True), strict=True)))
        counts = {name: classes.counts(name) for name in labels}
        metrics: dict[str, Any] = {**counts, HALF_STEP: changed}
        return Result(classes, metrics, {"endpoints": table}, half_step_shortfall(classes))

    def _count_changes(self, path: Trajectories, labels: Tensor) -> int | None:
        """The number of endpoints that change their class at half the step, or move by more than the threshold."""
        from flowlab.theory.geometry.classes import classify
        from flowlab.theory.geometry.subset_sums import norm

        if path.half is None:
            return None
        geometry = path.bank.training.geometry
        other = classify(path.half, geometry, self.threshold, self.metric).labels
        moved = norm(path.half - path.ends, self.metric) > self.threshold * geometry.scale
        return int(((other != labels) | moved).sum())
