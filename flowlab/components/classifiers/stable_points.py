"""The class of each endpoint, by its distances to the stable points of theory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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

    from flowlab.theory.geometry.classes import Classification

_MOST_AMBIGUOUS = 0.01  # share of the endpoints


@frozen
class StablePoints:
    """Training point, virtual point, hyperbox boundary, interior, or elsewhere, within a threshold.

    The first rule that holds decides. training: within the threshold of a training point. virtual: within it of a
    sum of two or more. elsewhere: outside the cell by more than the threshold. boundary: within the threshold of
    the boundary of the cell. interior: all the rest. Distances to points are in ambient coordinates. The threshold
    is a share of the shortest length of the points: their least distance, or the shortest edge. For an integrated
    flow, the metrics count the endpoints that change at half the step: to another class, or by more than the
    threshold. The result falls short if more than 1 % change, if an exact flow has ends that are no limits, if
    training points have others within the threshold, or if more than 1 % of the endpoints are within it of a
    training point and of a sum, too. Source: arXiv 2506.19031, Section 5 (threshold 0.2 in L-infinity and L2,
    points of norm 1).
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
        changed = {
            name: self._count_changes(path, labels[name])
            for name, path in flow.items()
            if path.half is not None or path.regions is not None  # nothing is known of a plugin's stochastic flow
        }
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
        shortfalls = dict.fromkeys([*_ends_without_limit(flow), *self._ambiguities(flow, classified)])
        if changes := half_step_shortfall(classes):
            shortfalls[changes] = None
        return Result(classes, metrics, {"endpoints": table}, "; ".join(shortfalls) or None)

    def _ambiguities(
        self, flow: Mapping[str, Trajectories], classified: Mapping[str, Classification]
    ) -> Iterator[str]:
        """What the threshold is too large to tell apart, in words."""
        from flowlab.theory.geometry.classes import count_crowded

        advice = "take a smaller threshold" if self.metric == "l2" else "take metric = 'l2' or a smaller threshold"
        for name, path in flow.items():
            geometry = path.bank.training.geometry
            near = self.threshold * geometry.scale
            crowded, checked = count_crowded(geometry.points, near, self.metric)
            if crowded:
                yield (
                    f"{crowded} of {checked} training points have another within the threshold, {near:.3g} in "
                    f"{self.metric}: the classes tell little; {advice}"
                )
            ambiguous, total = classified[name].count_ambiguous(near), len(path.ends)
            if ambiguous > _MOST_AMBIGUOUS * total:
                yield (
                    f"{name}: {ambiguous} of {total} endpoints are within the threshold of a training point and "
                    f"of a virtual point, and count as training; {advice}"
                )

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


def _ends_without_limit(flow: Mapping[str, Trajectories]) -> Iterator[str]:
    """Which flows have ends that are no limits, in words: their class is that of the last state."""
    for name, path in flow.items():
        if path.limits is not None and (missing := int((~path.limits.reached).sum())):
            where = "and count where the flow was left"
            yield f"{name}: {missing} of {len(path.ends)} endpoints are no limits, {where}"
