"""All metrics of a run as CSV: one row a number with its settings and seed, and their statistics over seeds."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from flowlab.engine.outcome import Outcome, Record
from flowlab.output.fractions import counts_classes, pinned_flows
from flowlab.output.jsonable import to_jsonable
from flowlab.output.seed_statistics import SeedStatistics
from flowlab.output.swept_columns import group_seeds, union_paths
from flowlab.output.tables import format_cell

METRICS_TABLE, OVER_SEEDS_TABLE = "metrics", "metrics-over-seeds"
METRICS = f"tables/{METRICS_TABLE}.csv"
OVER_SEEDS_FILE = f"tables/{OVER_SEEDS_TABLE}.csv"
_STATISTICS = ("seeds", "mean", "deviation", "low", "high")
Item = tuple[str, int | str, Any]  # a metric's name, the index in its list or "", the value


def metrics_as_csv(outcome: Outcome) -> dict[str, bytes]:
    """The files by relative path; statistics where a node has several seeds, nothing of a run without metrics."""
    records = [record for record in outcome.records if record.metrics]
    files = {}
    if records:
        files[METRICS] = _to_csv(_metric_rows(records))
    several = any(len(members) > 1 for _, _, members in _groups(records))
    return files | ({OVER_SEEDS_FILE: _to_csv(_statistic_rows(records, pinned_flows(outcome)))} if several else {})


def _metric_rows(records: list[Record]) -> Iterator[list[Any]]:
    """The header, then a row a number or text: kind, node, swept paths with the seed, status, metric, item."""
    paths = union_paths(record.node.variant for record in records)
    yield ["kind", "node", *paths, "status", "metric", "item", "value", "text"]
    for record in records:
        node = record.node
        lead = [node.kind.name, node.name, *(node.variant.get(path) for path in paths), record.status]
        for metric, item, value in list_items(record.metrics):
            yield [*lead, metric, item, *((value, None) if _is_number(value) else (None, value))]


def _statistic_rows(records: list[Record], pinned: Collection[str]) -> Iterator[list[Any]]:
    """The header, then a row a number that all seeds of a setting have; counts of classes are shares."""
    groups = _groups(records)
    paths = union_paths(setting for _, setting, _ in groups)
    yield ["kind", "node", *paths, "metric", "item", *_STATISTICS]
    for name, setting, members in groups:
        lead = [members[0].node.kind.name, name.partition(".")[2], *(setting.get(path) for path in paths)]
        by_seed = [record.metrics for record in members]
        for (metric, item), statistics in group_statistics(by_seed, pinned).items():
            low, high = statistics.interval or (None, None)
            numbers = (statistics.seeds, statistics.mean, statistics.deviation, low, high)
            yield [*lead, metric, item, *numbers]


def group_statistics(
    by_seed: Iterable[Mapping[str, Any]], pinned: Collection[str] = ()
) -> dict[tuple[str, int | str], SeedStatistics]:
    """Each number over the seeds that have it, by metric and item; of counts of classes, the share of each.

    The `pinned` flows have the same starts at all seeds.
    """
    values: dict[tuple[str, int | str], list[float]] = {}
    starts: dict[tuple[str, int | str], tuple[int, bool]] = {}
    for metrics in by_seed:
        for name, metric in metrics.items():
            if counts_classes(metric):
                total = sum(metric.values())
                for key, count in metric.items():
                    place = (f"{name}.{key}.share", "")
                    values.setdefault(place, []).append(count / max(total, 1))
                    starts[place] = total, name in pinned
            else:
                for key, item, value in list_items({name: metric}):
                    if _is_number(value) and math.isfinite(value):
                        values.setdefault((key, item), []).append(float(value))
    return {place: SeedStatistics(tuple(numbers), *starts.get(place, ())) for place, numbers in values.items()}


def list_items(metrics: Mapping[str, Any]) -> Iterator[Item]:
    """The numbers and texts of metrics one by one; what a mapping holds is `name.key`."""
    for name, value in to_jsonable(metrics).items():
        yield from _items(name, "", value)


def _items(name: str, item: int | str, value: Any) -> Iterator[Item]:
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield from _items(f"{name}.{key}", item, part)
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from _items(name, index if item == "" else f"{item}.{index}", part)
    elif value is not None:
        yield name, item, value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _groups(records: list[Record]) -> list[tuple[str, dict[str, Any], list[Record]]]:
    return group_seeds((record.node.declared, record.node.variant, record) for record in records)


def _to_csv(rows: Iterable[list[Any]]) -> bytes:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows(map(format_cell, row) for row in rows)
    return stream.getvalue().encode()
