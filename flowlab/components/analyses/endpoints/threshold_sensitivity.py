"""The dependence of the classes on the threshold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from attrs import frozen

from flowlab.api import (
    CLASSES,
    ClassesByThreshold,
    Context,
    NodeSpec,
    Result,
    Trajectories,
    parameter,
    reference,
)


@frozen
class ThresholdSensitivity:
    """The counts of each class for several thresholds and both norms, from one set of flows."""

    flow: tuple[str, ...] = reference("flow", many=True, help="flows whose endpoints are classified")
    thresholds: tuple[float, ...] = parameter(
        (0.1, 0.2, 0.3), help="thresholds to compare", unit="shortest lengths", gt=0
    )

    def places(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> Iterator[str]:
        """The places of the counts of each flow, norm and threshold."""
        for flow in inputs["flow"]:
            for metric in ("linf", "l2"):
                for threshold in self.thresholds:
                    yield from (f"{flow.name}/{metric}/{threshold:g}.{name}" for name in CLASSES)

    def build(self, context: Context, *, flow: Mapping[str, Trajectories]) -> Result[ClassesByThreshold]:
        """Count the classes, in a table with one row per flow, norm and threshold."""
        from flowlab.theory.geometry.classes import classify

        rows = []
        for name, path in flow.items():
            for metric in ("linf", "l2"):
                for threshold in self.thresholds:
                    geometry = path.bank.training.geometry
                    labels = classify(path.ends, geometry, threshold, metric).labels
                    counts = labels.bincount(minlength=len(CLASSES)).tolist()
                    rows.append((name, metric, threshold, *counts))
        names = ("flow", "metric", "threshold", *CLASSES)
        table = ClassesByThreshold(dict(zip(names, zip(*rows, strict=True), strict=True)))
        metrics = {
            f"{name}/{metric}/{threshold:g}": dict(zip(CLASSES, counts, strict=True))
            for name, metric, threshold, *counts in rows
        }
        return Result(table, metrics, {"thresholds": table})
