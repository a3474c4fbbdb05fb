"""Shares of the classes."""

from __future__ import annotations

from attrs import frozen

from flowlab.api import Classes, Context, Result, Table, parameter, reference


@frozen
class ClassFractions:
    """Counts and fractions of each class with exact binomial (Clopper-Pearson) confidence intervals."""

    classifier: str = reference("classifier", help="classified endpoints")
    confidence: float = parameter(0.95, help="level of the intervals", gt=0, lt=1)

    def build(self, context: Context, *, classifier: Classes) -> Result:
        """One row a flow and class."""
        from flowlab.theory.intervals import clopper_pearson

        rows = []
        for flow in classifier.flows:
            counts = classifier.counts(flow)
            total = sum(counts.values())
            for name, count in counts.items():
                rows.append(
                    (
                        flow,
                        name,
                        count,
                        total,
                        count / total,
                        *clopper_pearson(count, total, self.confidence),
                    )
                )
        names = ("flow", "class", "count", "total", "fraction", "low", "high")
        table = Table(dict(zip(names, zip(*rows, strict=True), strict=True)))
        metrics: dict[str, dict[str, float]] = {}
        for flow, name, _, _, fraction, *_ in rows:
            metrics.setdefault(flow, {})[name] = fraction
        return Result(table, metrics, {"fractions": table})
