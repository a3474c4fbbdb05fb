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
from flowlab.provenance.settings import diff_settings
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
        numbers = [one for one in (self.a, self.b) if isinstance(one, int | float) and not isinstance(one, bool)]
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
            name: [{"name": one.name, "a": one.former, "b": one.current} for one in changes]
            for name, changes in (("settings", self.settings), ("environment", self.environment))
        }
        gaps = [{**attrs.asdict(one), "difference": one.difference} for one in self.metrics]
        return {**sides, "metrics": gaps, "without_summary": self.unread}

    @property
    def text(self) -> str:
        """As tables of those parts that differ; a list's metric by its furthest item."""
        parts = [
            [
                title,
                *align_columns(
                    [(one.name, _cell(one.former), "->", _cell(one.current)) for one in changes], indent=2
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
    summaries = [one.summary() for one in (first, second)]
    unread = [str(one.path) for one, found in zip((first, second), summaries, strict=True) if found is None]
    was, now = ({} if unread or found is None else found.nodes for found in summaries)
    return RunDiff(
        [Change(name, *values) for name, values in diff_settings(first.experiment.data, second.experiment.data)],
        list(list_changes(first.environment.facts, second.environment.facts)),
        [*_gaps(was, now), *_digests(first, second)],
        unread,
    )


def _gaps(former: Mapping[str, NodeSummary], current: Mapping[str, NodeSummary]) -> Iterator[MetricDiff]:
    for node, (was, now) in side_by_side(former, current):
        if was is None or now is None or was.status != now.status:
            yield MetricDiff(node, "status", was and was.status, now and now.status)
        if was and now:
            for one in list_changes(was.metrics, now.metrics):
                yield MetricDiff(node, one.name, one.former, one.current)


def _digests(first: LockFile, second: LockFile) -> Iterator[MetricDiff]:
    """Results that differ, whether or not a metric tells."""
    for node in first.nodes:
        digests = [one.nodes[node].digest if node in one.nodes else None for one in (first, second)]
        if all(digests) and digests[0] != digests[1]:
            yield MetricDiff(node, "digest", *(str(one)[:_SHORT] for one in digests))


def _rows(gaps: list[MetricDiff]) -> Iterator[tuple[str, ...]]:
    groups: dict[tuple[str, str], list[MetricDiff]] = {}
    for one in gaps:
        groups.setdefault((one.node, without_index(one.metric)), []).append(one)
    for (node, _), group in groups.items():
        one = max(group, key=lambda gap: abs(gap.difference or 0.0))
        more = f" and {len(group) - 1} more" if len(group) > 1 else ""
        apart = "-" if one.difference is None else f"{one.difference:.3g}"
        yield node, one.metric + more, _cell(one.a), _cell(one.b), apart


def _cell(value: Any) -> str:
    return "-" if value is None else value if isinstance(value, str) else format_value(value)
