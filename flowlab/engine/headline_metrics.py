"""The few figures of a result that a person asks for first."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from flowlab.api import CLASSES, Finding
from flowlab.engine.outcome import Record

QUALITY = {
    "violation_max": "violation_max",
    "slab_ratio": "cost over slabs' cost",
    "gap_proved": "proved gap",
    "gap_estimate": "estimated gap",
}


def key_figures(record: Record) -> str:
    """A bank's worst violation, cost over slabs, gaps; where each flow ends; a claim's figure. Empty without."""
    found = {words: largest(record.metrics.get(name)) for name, words in QUALITY.items()}
    told = [", ".join(f"{words} {number:.4g}" for words, number in found.items() if number is not None)]
    if record.node.kind.name == "classifier":
        told += [f"{flow} {_shares(counts)}" for flow, counts in record.metrics.items() if _counted(counts)]
    if record.result is not None and isinstance(one := record.result.value, Finding):
        told.append(one.our_figures)
    return "; ".join(filter(None, told))


def largest(metric: Any) -> float | None:
    """The largest number of a metric that is a number or lists of them; None where there is none."""
    return max(_numbers(metric), default=None)


def _counted(metric: Any) -> bool:
    return isinstance(metric, Mapping) and metric.keys() == set(CLASSES)


def _shares(counts: Mapping[str, int]) -> str:
    total = sum(counts.values())
    return ", ".join(f"{100 * count / total:.1f} % {name}" for name, count in counts.items() if count)


def _numbers(metric: Any) -> Iterator[float]:
    if isinstance(metric, list | tuple):
        for each in metric:
            yield from _numbers(each)
    elif isinstance(metric, int | float) and math.isfinite(metric):
        yield metric
