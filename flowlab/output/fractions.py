"""Shares of a sample and how sure they are."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from attrs import frozen

from flowlab.api import CLASSES, HALF_STEP, NodeLabel
from flowlab.api.node_label import SEED
from flowlab.engine.outcome import Outcome


@frozen
class EndFractions:
    """How many points of one flow end in each class, at each seed.

    `changed_by_seed` of them end elsewhere at half the step; None where the flow is exact.
    """

    classifier: str
    flow: str
    by_seed: tuple[Mapping[str, int], ...]
    changed_by_seed: tuple[int | None, ...]

    @property
    def counts(self) -> dict[str, int]:
        """Of all seeds together."""
        return {name: sum(counts[name] for counts in self.by_seed) for name in CLASSES}

    @property
    def total(self) -> int:
        """How many points the flow has."""
        return sum(self.counts.values())

    @property
    def step_error(self) -> str:
        """How many points end elsewhere at half the step."""
        numbers = [changed for changed in self.changed_by_seed if changed is not None]
        return str(sum(numbers)) if numbers else "exact"

    @property
    def shares(self) -> dict[str, str]:
        """Each class's share with its interval: that of the points, or of several seeds that of their mean."""
        if len(self.by_seed) == 1:
            return {name: format_share(count, self.total) for name, count in self.counts.items()}
        starts = round(self.total / len(self.by_seed))
        return {name: _mean([_share(counts, name) for counts in self.by_seed], starts) for name in CLASSES}


def end_fractions(outcome: Outcome) -> list[EndFractions]:
    """Where each flow's points end, one a classifier and flow, seeds together."""
    groups: dict[tuple[str, str], list[tuple[Mapping[str, int], int | None]]] = {}
    for record in outcome.of("classifier"):
        changed = record.metrics.get(HALF_STEP, {})
        for flow, counts in record.metrics.items():
            if isinstance(counts, Mapping) and counts.keys() == set(CLASSES):
                place = str(NodeLabel(record.node.name, record.node.variant).without(SEED)), flow
                ordered = {name: counts[name] for name in CLASSES}
                groups.setdefault(place, []).append((ordered, changed.get(flow)))
    return [
        EndFractions(classifier, flow, tuple(counts for counts, _ in rows), tuple(number for _, number in rows))
        for (classifier, flow), rows in groups.items()
    ]


def _share(counts: Mapping[str, int], name: str) -> float:
    return counts[name] / max(sum(counts.values()), 1)


def _mean(shares: Sequence[float], starts: int) -> str:
    """The mean of shares of so many starts each, in percent, with its 95 % interval over seeds."""
    from flowlab.theory.statistics.intervals import over_seeds

    low, high = over_seeds(shares, starts)
    mean = math.fsum(shares) / len(shares)
    return f"{100 * mean:.1f} [{100 * max(low, 0.0):.1f}, {100 * min(high, 1.0):.1f}]"


def format_share(count: int, total: int) -> str:
    """A share in percent with its 95 % Clopper-Pearson interval; a dash where there is no sample."""
    from flowlab.theory.statistics.intervals import clopper_pearson

    if total == 0:
        return "-"
    low, high = clopper_pearson(count, total)
    return f"{100 * count / total:.1f} [{100 * low:.1f}, {100 * high:.1f}]"
