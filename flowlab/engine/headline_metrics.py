"""The few figures of a result that a person asks for first."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from flowlab.api import CLASSES, ClaimResult
from flowlab.api.metric_labels import metric_label
from flowlab.engine.outcome import Record

QUALITY_METRICS = ("violation_max", "slab_ratio", "gap_proved", "gap_estimate")


def headline_metrics(record: Record) -> str:
    """A bank's worst violation, cost over slabs, gaps; where each flow ends; a claim's figure. Empty without."""
    found = {metric_label(name): largest_number(record.metrics.get(name)) for name in QUALITY_METRICS}
    told = [", ".join(f"{words} {number:.4g}" for words, number in found.items() if number is not None)]
    if record.node.kind.name == "classifier":
        told += [
            f"{flow} {_format_shares(counts)}"
            for flow, counts in record.metrics.items()
            if _is_class_counts(counts)
        ]
    if record.result is not None and isinstance(one := record.result.value, ClaimResult):
        told.append(one.our_figures)
    return "; ".join(filter(None, told))


def largest_number(metric: Any) -> float | None:
    """The largest number of a metric that is a number or lists of them; None where there is none."""
    return max(_flat_numbers(metric), default=None)


def _is_class_counts(metric: Any) -> bool:
    return isinstance(metric, Mapping) and metric.keys() == set(CLASSES)


def _format_shares(counts: Mapping[str, int]) -> str:
    total = sum(counts.values())
    return ", ".join(f"{100 * count / total:.1f} % {name}" for name, count in counts.items() if count)


def _flat_numbers(metric: Any) -> Iterator[float]:
    if isinstance(metric, list | tuple):
        for each in metric:
            yield from _flat_numbers(each)
    elif isinstance(metric, int | float) and math.isfinite(metric):
        yield metric
