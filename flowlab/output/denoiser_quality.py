"""How well denoisers interpolate and at what cost: the worst level of each, seeds together."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from attrs import frozen

from flowlab.api.helpers.largest_number import largest_number
from flowlab.api.metric_labels import metric_label
from flowlab.output.jsonable import to_jsonable
from flowlab.output.seed_statistics import SeedStatistics
from flowlab.output.swept_columns import Setting, column_names, group_seeds, setting_cells, union_paths

QUALITY_METRICS = ("violation_max", "cost_ratio", "slab_ratio", "gap_proved", "gap_estimate")
Metrics = Mapping[str, Any]


@frozen
class DenoiserQuality:
    """One denoiser in one setting of the sweeps: its metrics at each seed."""

    name: str
    setting: Setting
    by_seed: Sequence[Metrics]

    @property
    def reported(self) -> bool:
        """Whether it reports any of the metrics."""
        return any(self.statistics(metric) for metric in QUALITY_METRICS)

    def statistics(self, metric: str) -> SeedStatistics | None:
        """The worst level of a metric over the seeds that have one; None where none has."""
        worst = (largest_number(to_jsonable(metrics.get(metric))) for metrics in self.by_seed)
        numbers = tuple(float(number) for number in worst if number is not None)
        return SeedStatistics(numbers) if numbers else None

    def cell(self, metric: str) -> str:
        """The statistics of a metric as text; a dash where there are none."""
        statistics = self.statistics(metric)
        return "-" if statistics is None else str(statistics)

    @property
    def interpolating(self) -> str:
        """At how many seeds it interpolates: yes, no, or a number of seeds; a dash where that is not known."""
        known = [answer for answer in map(interpolates, self.by_seed) if answer is not None]
        if not known:
            return "-"
        if len(set(known)) == 1:
            return "yes" if known[0] else "no"
        return f"{sum(known)} of {len(known)} seeds"

    @property
    def allowed(self) -> str:
        """The largest violation that counts as interpolation, which the optimizer decides; of levels the least."""
        limits = [
            limit
            for metrics in self.by_seed
            for limit in _list(metrics.get("violation_allowed"))
            if isinstance(limit, int | float)
        ]
        return f"{min(limits):.4g}" if limits else "-"


def interpolates(metrics: Metrics) -> bool | None:
    """Whether the violation of every usable level is at most what is allowed there; None where that is not known.

    A network without a usable level does not.
    """
    violations = _list(metrics.get("violation_max"))
    allowed = _list(metrics.get("violation_allowed"))
    if not violations or len(violations) != len(allowed):
        return None
    usable = _list(metrics.get("usable")) or [True] * len(violations)
    levels = [pair for pair, use in zip(zip(violations, allowed, strict=True), usable, strict=False) if use]
    return bool(levels) and all(_is_within(*level) for level in levels)


def group_qualities(nodes: Iterable[tuple[str, Setting, Metrics]]) -> Iterator[DenoiserQuality]:
    """The denoisers (name, variant, metrics) that report any of the metrics, seeds together."""
    for name, setting, members in group_seeds(nodes):
        quality = DenoiserQuality(name, setting, members)
        if quality.reported:
            yield quality


def quality_table(qualities: Sequence[DenoiserQuality], metrics: Sequence[str]) -> tuple[list[list[str]], int]:
    """A table of those of the metrics that any denoiser has, the header first, and how many columns name a row."""
    paths = union_paths(quality.setting for quality in qualities)
    filled = [metric for metric in metrics if any(quality.statistics(metric) for quality in qualities)]
    keys = ["denoiser", *column_names(paths)]
    judged = any(quality.interpolating != "-" for quality in qualities)
    header = [*keys, *(["interpolates", "at most"] if judged else []), *map(metric_label, filled)]
    rows = [
        [
            quality.name,
            *setting_cells(quality.setting, paths),
            *([quality.interpolating, quality.allowed] if judged else []),
            *map(quality.cell, filled),
        ]
        for quality in qualities
    ]
    return [header, *rows], len(keys)


def _is_within(violation: Any, allowed: Any) -> bool:
    """Whether a level interpolates; a violation that is no number does not."""
    if not isinstance(violation, int | float) or not math.isfinite(violation):
        return False
    return allowed is None or violation <= allowed  # JSON has null for infinity


def _list(value: Any) -> list[Any]:
    plain = to_jsonable(value)
    return plain if isinstance(plain, list) else []
