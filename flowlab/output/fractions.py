"""Where flows end: shares of the classes, seeds together, and how sure they are."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from attrs import frozen

from flowlab.api import CLASSES, HALF_STEP
from flowlab.engine.outcome import Outcome
from flowlab.output.seed_statistics import SeedStatistics
from flowlab.output.swept_columns import Setting, group_seeds

EXACT = "exact"
UNKNOWN = "-"  # a flow of random steps, or one that says nothing of its step


@frozen
class EndFractions:
    """How many points of one flow end in each class, at each seed, in one setting of the sweeps.

    `changed_by_seed` of them end elsewhere at half the step; None where the flow is exact, UNKNOWN where that is
    not known. `same_starts` of all seeds come from the seed in the flow's own table.
    """

    classifier: str
    setting: Setting
    flow: str
    by_seed: tuple[Mapping[str, int], ...]
    changed_by_seed: tuple[int | str | None, ...]
    same_starts: bool = False

    @property
    def counts(self) -> dict[str, int]:
        """Of all seeds together."""
        return {name: sum(counts[name] for counts in self.by_seed) for name in CLASSES}

    @property
    def seeds(self) -> int:
        """The number of seeds."""
        return len(self.by_seed)

    @property
    def total(self) -> int:
        """How many points the flow has at all seeds."""
        return sum(self.counts.values())

    @property
    def starts(self) -> int:
        """How many points the flow has at a seed."""
        return round(self.total / self.seeds)

    @property
    def step_error(self) -> str:
        """How many points end elsewhere at half the step."""
        numbers = [changed for changed in self.changed_by_seed if isinstance(changed, int)]
        if numbers:
            return str(sum(numbers))
        return UNKNOWN if UNKNOWN in self.changed_by_seed else EXACT

    @property
    def statistics(self) -> dict[str, SeedStatistics]:
        """Each class's share over seeds."""
        return {
            name: SeedStatistics(
                tuple(_share(counts, name) for counts in self.by_seed), self.starts, self.same_starts
            )
            for name in CLASSES
        }

    @property
    def shares(self) -> dict[str, str]:
        """Each class's share in percent with its interval: that of the points, or of several seeds that of their
        mean."""
        return {name: str(statistics) for name, statistics in self.statistics.items()}


def end_fractions(outcome: Outcome) -> list[EndFractions]:
    """Where each flow's points end, one a classifier, setting and flow, seeds together."""
    records = outcome.of("classifier")
    nodes = ((record.node.name, record.node.variant, record.metrics) for record in records)
    return list(group_fractions(nodes, pinned_flows(outcome)))


def pinned_flows(outcome: Outcome) -> set[str]:
    """The names of the flows whose own tables give their seeds: these have the same starts at all seeds."""
    return {record.node.name for record in outcome.of("flow") if record.node.pinned_seed is not None}


def group_fractions(
    nodes: Iterable[tuple[str, Setting, Mapping[str, Any]]], pinned: Collection[str] = ()
) -> Iterator[EndFractions]:
    """The same of classifiers as (name, variant, metrics); `pinned` flows have the same starts at all seeds."""
    for classifier, setting, members in group_seeds(nodes):
        flows = dict.fromkeys(
            flow for metrics in members for flow, value in metrics.items() if counts_classes(value)
        )
        for flow in flows:
            present = [metrics for metrics in members if counts_classes(metrics.get(flow))]
            counts = tuple({name: metrics[flow][name] for name in CLASSES} for metrics in present)
            changed = tuple(metrics.get(HALF_STEP, {}).get(flow, UNKNOWN) for metrics in present)
            yield EndFractions(classifier, setting, flow, counts, changed, flow in pinned)


def counts_classes(metric: Any) -> bool:
    """Whether a metric is a count of endpoints in each class."""
    return isinstance(metric, Mapping) and metric.keys() == set(CLASSES)


def _share(counts: Mapping[str, int], name: str) -> float:
    return counts[name] / max(sum(counts.values()), 1)
