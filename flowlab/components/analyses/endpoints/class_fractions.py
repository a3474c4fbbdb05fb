"""The shares of the classes of endpoints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from attrs import frozen

from flowlab.api import (
    CLASSES,
    AnalysisSpec,
    Cell,
    Classes,
    ClassesSpec,
    Context,
    EndShares,
    FlowSpec,
    NodeSpec,
    Result,
    Table,
    Trajectories,
    exact_end_known,
    half_step_shortfall,
    parameter,
    reference,
)
from flowlab.api.metric_places import flow_names


@frozen
class ClassFractions:
    """Counts and fractions of each class with exact binomial (Clopper-Pearson) confidence intervals.

    Intervals cover the draw of the starts alone. For an integrated flow there is also the number of endpoints that
    change at half the step; if more than 1 % change, the result falls short. Where theory predicts the
    probability, it is given too: for probability flow of the closed form of an orthogonal set along the axes, from
    Gaussian starts, with classes in L-infinity. Source: arXiv 2506.19031, Theorem 4.4; Clopper and Pearson (1934).
    """

    classifier: str = reference("classifier", help="classified endpoints")
    confidence: float = parameter(0.95, help="level of the intervals", gt=0, lt=1)

    def places(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> Iterator[str]:
        """The places of the share of each class, by flow, and of predictions."""
        known = inputs["classifier"][0].value_spec
        for name in flow_names(inputs["classifier"][0]):
            yield from (f"{name}.{key}" for key in (*CLASSES, "starts"))
            if _may_be_predicted(known, name):
                yield from (f"{name}/predicted.{key}" for key in (*CLASSES, "outside_interval"))

    def value_spec(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> AnalysisSpec:
        """What is known of the flows before the run."""
        return AnalysisSpec(inputs["classifier"][0].value_spec)

    def build(self, context: Context, *, classifier: Classes) -> Result[EndShares]:
        """Count the classes, in a table with one row per flow and class."""
        from flowlab.theory.statistics.intervals import clopper_pearson

        rows: list[dict[str, Cell]] = []
        metrics: dict[str, dict[str, float]] = {}
        for flow, path in classifier.flows.items():
            counts = classifier.counts(flow)
            total = sum(counts.values())
            predicted = _prediction(path, classifier)
            metrics[flow] = {**{name: count / total for name, count in counts.items()}, "starts": total}
            if path.same_starts:
                metrics[flow]["same_starts"] = True
            outside = 0
            for name, count in counts.items():
                low, high = clopper_pearson(count, total, self.confidence)
                known = predicted.get(name)
                outside += known is not None and not low <= known <= high
                rows.append(
                    {
                        "flow": flow,
                        "class": name,
                        "count": count,
                        "total": total,
                        "fraction": count / total,
                        "low": low,
                        "high": high,
                        "changed_at_half_step": classifier.changed.get(flow),
                        "predicted": known,
                        "points": len(path.bank.training.geometry.points),
                        "final_time": float(path.times[0]) ** 2 if path.name == "probability" else None,
                    }
                )
            if predicted:
                metrics[f"{flow}/predicted"] = dict(predicted) | {"outside_interval": outside}
        flows = classifier.flows
        value = EndShares.of(
            row | {"confidence": self.confidence, "same_starts": flows[str(row["flow"])].same_starts}
            for row in rows
        )
        return Result(value, metrics, {"fractions": Table.of(rows)}, half_step_shortfall(classifier))


def _may_be_predicted(classes: ClassesSpec, flow: str) -> bool:
    """Whether theory may predict the classes of a flow, as far as it is known before the run."""
    known = (classes.flows or {}).get(flow, FlowSpec())
    possible = (known.bank.balls, known.bank.training.axis_box, known.bank.training.separable)
    return False not in possible and known.kind != "score" and classes.metric != "l2"


def _prediction(flow: Trajectories, classes: Classes) -> Mapping[str, float]:
    """The probability of each class by theory; empty where there is no prediction."""
    from flowlab.theory.flows.outcomes import axis_box, box_coordinates, outcome_probabilities

    bank, law = flow.bank, flow.law
    lengths = axis_box(bank.training.geometry)
    if flow.name != "probability" or lengths is None or law is None or classes.metric != "linf":
        return {}
    if bank.rho is None or not exact_end_known(bank):
        return {}
    try:
        near = classes.threshold * bank.training.geometry.scale
        mean = box_coordinates(bank.training.geometry, law.mean)
        return outcome_probabilities(lengths, float(bank.rho[0]), mean, law.spread, near)
    except ValueError:  # a threshold of half an edge or more
        return {}
