"""Shares of a sample and how sure they are."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen

from flowlab.api import CLASSES, HALF_STEP
from flowlab.engine.outcome import Outcome


@frozen
class Ends:
    """How many points of one flow end in each class.

    `changed` of them end elsewhere at half the step; None where the flow is exact.
    """

    classifier: str
    flow: str
    counts: Mapping[str, int]
    changed: int | None = None

    @property
    def total(self) -> int:
        """How many points the flow has."""
        return sum(self.counts.values())

    @property
    def step_error(self) -> str:
        """How many points end elsewhere at half the step."""
        return "exact" if self.changed is None else str(self.changed)

    @property
    def shares(self) -> dict[str, str]:
        """Each class's share with its interval."""
        return {name: share(count, self.total) for name, count in self.counts.items()}


def ends(outcome: Outcome) -> list[Ends]:
    """Where each flow's points end, one a classifier and flow."""
    found = []
    for record in outcome.of("classifier"):
        changed = record.metrics.get(HALF_STEP, {})
        for flow, counts in record.metrics.items():
            if isinstance(counts, Mapping) and counts.keys() == set(CLASSES):
                ordered = {name: counts[name] for name in CLASSES}
                found.append(Ends(record.node.label, flow, ordered, changed.get(flow)))
    return found


def share(count: int, total: int) -> str:
    """A share in percent with its 95 % Clopper-Pearson interval; a dash where there is no sample."""
    from flowlab.theory.intervals import clopper_pearson

    if total == 0:
        return "-"
    low, high = clopper_pearson(count, total)
    return f"{100 * count / total:.1f} [{100 * low:.1f}, {100 * high:.1f}]"
