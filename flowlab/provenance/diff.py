"""What two runs do not share: settings, what they rest on, and what they find."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs
from attrs import frozen

from flowlab.api.result import Cell
from flowlab.engine.value_diff import Change, format_value, list_changes, side_by_side
from flowlab.output.run_folder import SUMMARY
from flowlab.output.text_table import align_columns
from flowlab.provenance.lock_file import LockFile
from flowlab.provenance.settings_diff import diff_settings
from flowlab.provenance.summary import NodeSummary, without_index

_SHORT = 12  # digits that tell two digests apart at a glance


@frozen
class MetricDiff:
    """A node's metric, status or digest in two runs, None where there is none."""

    node: str
    metric: str
    a: Cell
    b: Cell

    @property
    def difference(self) -> float | None:
        """The second minus the first, of numbers."""
        numbers = [
            value for value in (self.a, self.b) if isinstance(value, int | float) and not isinstance(value, bool)
        ]
        return numbers[1] - numbers[0] if len(numbers) == 2 else None


@frozen
class RunDiff:
    """Two runs side by side; `unread` are those without a summary, whose metrics can't be compared."""

    settings: list[Change]
    environment: list[Change]
    metrics: list[MetricDiff]
    unread: list[str]

    @property
    def data(self) -> dict[str, Any]:
        """As data."""
        sides = {
            name: [{"name": change.name, "a": change.former, "b": change.current} for change in changes]
            for name, changes in (("settings", self.settings), ("environment", self.environment))
        }
        metrics = [{**attrs.asdict(metric), "difference": metric.difference} for metric in self.metrics]
        return {**sides, "metrics": metrics, "without_summary": self.unread}

    @property
    def text(self) -> str:
        """As tables of those parts that differ; a list's metric by its furthest item."""
        parts = [
            [
                title,
                *align_columns(
                    [(change.name, _cell(change.former), "->", _cell(change.current)) for change in changes],
                    indent=2,
                ),
            ]
            for title, changes in (("settings", self.settings), ("versions, sources, machine", self.environment))
            if changes
        ]
        if self.metrics:
            header = ("node", "metric", "a", "b", "difference")
            parts.append(["results", *align_columns([header, *_rows(self.metrics)], indent=2)])
        if self.unread:
            parts.append([f"metrics are not compared: there is no {SUMMARY} of {name}" for name in self.unread])
        return "\n\n".join(map("\n".join, parts)) or "no difference"


def diff_runs(a: Path, b: Path) -> RunDiff:
    """Compare two run folders or lock files. Raises ExperimentError for what no run wrote so."""
    first, second = LockFile.read(a), LockFile.read(b)
    summaries = [lock.summary() for lock in (first, second)]
    unread = [str(lock.path) for lock, summary in zip((first, second), summaries, strict=True) if summary is None]
    was, now = ({} if unread or summary is None else summary.built_nodes for summary in summaries)
    return RunDiff(
        [Change(name, *values) for name, values in diff_settings(first.experiment.data, second.experiment.data)],
        list(list_changes(first.environment.facts, second.environment.facts)),
        [*_metric_diffs(was, now), *_digests(first, second)],
        unread,
    )


def _metric_diffs(former: Mapping[str, NodeSummary], current: Mapping[str, NodeSummary]) -> Iterator[MetricDiff]:
    for node, (was, now) in side_by_side(former, current):
        if was is None or now is None or was.status != now.status:
            yield MetricDiff(node, "status", was and was.status, now and now.status)
        if was and now:
            for change in list_changes(was.cells, now.cells):
                yield MetricDiff(node, change.name, change.former, change.current)


def _digests(first: LockFile, second: LockFile) -> Iterator[MetricDiff]:
    """Results that differ, whether or not their metrics do."""
    for node in first.nodes:
        digests = [lock.nodes[node].digest if node in lock.nodes else None for lock in (first, second)]
        if all(digests) and digests[0] != digests[1]:
            yield MetricDiff(node, "digest", *(str(digest)[:_SHORT] for digest in digests))


def _rows(metrics: list[MetricDiff]) -> Iterator[tuple[str, ...]]:
    groups: dict[tuple[str, str], list[MetricDiff]] = {}
    for metric in metrics:
        groups.setdefault((metric.node, without_index(metric.metric)), []).append(metric)
    for (node, _), group in groups.items():
        furthest = max(group, key=lambda metric: abs(metric.difference or 0.0))
        more = f" and {len(group) - 1} more" if len(group) > 1 else ""
        difference = "-" if furthest.difference is None else f"{furthest.difference:.3g}"
        yield node, furthest.metric + more, _cell(furthest.a), _cell(furthest.b), difference


def _cell(value: Any) -> str:
    return "-" if value is None else value if isinstance(value, str) else format_value(value)
