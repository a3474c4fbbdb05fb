"""What two runs do not share: settings, what they rest on, and what they find."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs
from attrs import frozen

from flowlab.api.node_label import SEED
from flowlab.api.result import Cell
from flowlab.engine.value_diff import Change, format_value, list_changes, side_by_side
from flowlab.output.run_folder import SUMMARY
from flowlab.output.text_table import align_columns, fit_columns, wrap_line
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
    def seeds(self) -> tuple[Any, Any] | None:
        """The two seeds, where the seed is the only setting that differs; else None."""
        if [change.name for change in self.settings] != [SEED]:
            return None
        return self.settings[0].former, self.settings[0].current

    def format_text(self, width: int | None = None, all_results: bool = False) -> str:
        """As tables of those parts that differ; a list's metric by its furthest item.

        Where the seed alone differs, its draws change nearly every number: one sentence says so, unless
        `all_results` are asked for. A table wider than `width` is a paragraph a row.
        """
        if self.seeds is not None and not all_results and not self.unread:
            return self._seed_text(width)
        parts = [
            [
                title,
                *_fit(
                    [(change.name, _cell(change.former), "->", _cell(change.current)) for change in changes],
                    width,
                ),
            ]
            for title, changes in (("settings", self.settings), ("versions, sources, machine", self.environment))
            if changes
        ]
        if self.metrics:
            header = ("node", "metric", "a", "b", "difference")
            parts.append(["results", *_fit_metrics([header, *_rows(self.metrics)], width)])
        if self.unread:
            parts.append([f"metrics are not compared: there is no {SUMMARY} of {name}" for name in self.unread])
        return "\n\n".join(map("\n".join, parts)) or "no difference"

    @property
    def text(self) -> str:
        """As tables of those parts that differ."""
        return self.format_text()

    def _seed_text(self, width: int | None) -> str:
        """One sentence on two seeds; what differs beside the draws, such as a version or a status, follows it."""
        was, now = self.seeds or (None, None)
        rows = [row for row in self.metrics if row.metric not in ("status", "digest")]
        count = len({(row.node, without_index(row.metric)) for row in rows})
        nodes = len({row.node for row in rows})
        numbers = f"{count} metrics of {nodes} nodes differ" if count else "no metric differs"
        also = "; what ran them differs too" if self.environment else ""
        sentence = f"the seed is the only setting that differs, {_cell(was)} -> {_cell(now)}: {numbers}{also}"
        lines = wrap_line(sentence, width or 1000)
        for change in self.environment:
            lines += wrap_line(str(change), width or 1000, indent=2)
        for row in self.metrics:
            if row.metric == "status" and row.a is not None and row.b is not None:
                lines += wrap_line(f"{row.node}: {row.a} -> {row.b}", width or 1000, indent=2)
        if self.metrics:
            lines += wrap_line("--all lists every metric", width or 1000, indent=2)
        return "\n".join(lines)


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


def _fit(rows: list[tuple[str, ...]], width: int | None) -> list[str]:
    """A table, or lines that are wrapped where it is wider than the width."""
    lines = align_columns(rows, indent=2)
    if width is None or max(map(len, lines)) <= width:
        return lines
    return [line for row in rows for line in wrap_line("  ".join(row), width, indent=2)]


def _fit_metrics(rows: list[tuple[str, ...]], width: int | None) -> list[str]:
    """The table of metrics; where it is too wide, a table under each node."""
    lines = align_columns(rows, indent=2)
    if width is None or max(map(len, lines)) <= width:
        return lines
    header, *body = rows
    nodes: dict[str, list[tuple[str, ...]]] = {}
    for node, *cells in body:
        nodes.setdefault(node, []).append(tuple(cells))
    lines = []
    for node, table in nodes.items():
        lines += [f"  {node}", *fit_columns([header[1:], *table], width, 1, indent=4)]
    return lines


def _cell(value: Any) -> str:
    return "-" if value is None else value if isinstance(value, str) else format_value(value)
