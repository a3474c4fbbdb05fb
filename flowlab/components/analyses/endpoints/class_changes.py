"""The number of endpoints that change their class between two flows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from attrs import frozen

from flowlab.api import (
    CLASSES,
    Cell,
    ChangedShares,
    Classes,
    Context,
    NodeError,
    NodeSpec,
    Result,
    Table,
    ValidationIssue,
    parameter,
    reference,
)
from flowlab.api.metric_places import flow_names


@frozen
class ClassChanges:
    """The share of starts whose endpoint has another class than in a baseline flow, start by start.

    All flows of an experiment have the same starts, so the endpoints are pairs. Intervals are exact binomial
    intervals. Source: Clopper and Pearson, Biometrika 26 (1934), 404-413.
    """

    classifier: str = reference("classifier", help="classified endpoints of the baseline and of other flows")
    baseline: str = parameter(help="name of the flow with which the others are compared")
    confidence: float = parameter(0.95, help="level of the intervals", gt=0, lt=1)

    def check(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> Iterator[ValidationIssue]:
        """Check that there is a baseline and another flow, with as many starts."""
        flows = inputs["classifier"][0].value_spec.flows
        if flows is None:
            return
        if self.baseline not in flows:
            names = ", ".join(map(repr, flows))
            yield ValidationIssue("baseline", f"{self.baseline!r} must name one of the classified flows {names}")
        elif len(flows) == 1:
            yield ValidationIssue("classifier", f"there is no flow beside the baseline {self.baseline!r}")
        elif len(starts := {flow.starts for flow in flows.values()} - {None}) > 1:
            counts = ", ".join(map(str, sorted(starts)))
            yield ValidationIssue("classifier", f"its flows have {counts} starts, which don't pair up")

    def places(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> Iterator[str]:
        """The places of the numbers of each flow but the baseline."""
        for flow in flow_names(inputs["classifier"][0]):
            if flow != self.baseline:
                yield from (f"{flow}.{number}" for number in ("changed", "starts", "share"))

    def build(self, context: Context, *, classifier: Classes) -> Result[ChangedShares]:
        """Count the changes, in a table with one row per flow and one with one row per pair of classes.

        Raises NodeError where there is no baseline or no other flow, or flows have different numbers of starts.
        """
        from flowlab.theory.statistics.intervals import clopper_pearson

        if self.baseline not in classifier.flows:
            names = ", ".join(map(repr, classifier.flows))
            raise NodeError(f"baseline {self.baseline!r} must name one of the classified flows {names}")
        base = self.baseline
        changes: list[tuple[str, int, int, float, float, float]] = []
        moves: list[tuple[str, str, str, int]] = []
        for flow in classifier.flows:
            if flow == base:
                continue
            before, after = classifier.labels[base], classifier.labels[flow]
            if len(before) != len(after):
                raise NodeError(f"{flow} has {len(after)} starts, {base} has {len(before)}: they don't pair up")
            changed, total = int((before != after).sum()), len(before)
            low, high = clopper_pearson(changed, total, self.confidence)
            changes.append((flow, changed, total, changed / total, low, high))
            counts = (len(CLASSES) * before + after).bincount(minlength=len(CLASSES) ** 2).tolist()
            moves += [
                (flow, CLASSES[pair // len(CLASSES)], CLASSES[pair % len(CLASSES)], count)
                for pair, count in enumerate(counts)
                if count
            ]
        if not changes:
            raise NodeError(f"there is no flow beside the baseline {self.baseline!r}")
        shares = ChangedShares(_columns(("flow", "changed", "total", "share", "low", "high"), changes))
        same_starts = [classifier.flows[row[0]].same_starts for row in changes]
        metrics: dict[str, dict[str, float]] = {
            row[0]: {"changed": row[1], "starts": row[2], "share": row[3]}
            | ({"same_starts": True} if same else {})
            for row, same in zip(changes, same_starts, strict=True)
        }
        tables = {"changes": shares, "moves": Table(_columns(("flow", "from", "to", "count"), moves))}
        confidence = [self.confidence] * len(changes)
        value = ChangedShares({**shares.columns, "confidence": confidence, "same_starts": same_starts})
        return Result(value, metrics, tables)


def _columns(names: Sequence[str], rows: Iterable[Sequence[Cell]]) -> dict[str, Sequence[Cell]]:
    return dict(zip(names, zip(*rows, strict=True), strict=True))
