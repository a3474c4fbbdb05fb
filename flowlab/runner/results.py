"""A run as a notebook shows it: results by node, figures inline, nothing on disk."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from attrs import frozen

from flowlab.api import NodeError, Table
from flowlab.engine.format_error import format_error
from flowlab.engine.outcome import Record, Status
from flowlab.output.figures import draw_figure
from flowlab.output.jsonable import to_json, to_jsonable
from flowlab.output.tables import format_cell
from flowlab.runner.run_experiment import FinishedRun

_ROWS = 20  # of a table, as many as a notebook shows at a glance


@frozen
class NodeResult:
    """What became of one node."""

    record: Record

    @property
    def status(self) -> Status:
        """done, short (done with a shortfall), failed or skipped."""
        return self.record.status

    @property
    def value(self) -> Any:
        """What the node built, a matplotlib figure of a figure. Raises NodeError where it did not finish."""
        if self.status in ("failed", "skipped"):
            raise NodeError(f"{self.record.node.id} {self.status}: {self.record.message}")
        return self.record.value

    @property
    def metrics(self) -> Mapping[str, Any]:
        """Numbers by name."""
        return self.record.metrics

    @property
    def tables(self) -> Mapping[str, Table]:
        """Tables by name."""
        return self.record.result.tables if self.record.result else {}

    @property
    def message(self) -> str:
        """Why it failed or what it fell short of, empty where all is well."""
        return self.record.message or (self.record.result and self.record.result.shortfall) or ""

    def _repr_png_(self) -> bytes | None:
        """The picture of a finished figure. Raises NodeError for one that can't be drawn."""
        if not (self.record.finished and hasattr(self.record.value, "savefig")):
            return None
        try:
            return draw_figure(self.record, "png")
        except Exception as error:  # text is laid out at drawing, so a component's mistake can surface here
            raise NodeError(f"{self.record.node.id} can't be drawn: {format_error(error)}") from error

    def _repr_html_(self) -> str:
        """Status, picture, metrics and the first rows of each table."""
        parts = [f"<h4>{escape(self.record.node.id)}: {self.status}</h4>"]
        if self.message:
            parts.append(f"<p>{escape(self.message)}</p>")
        try:
            parts += _images([self._repr_png_()])
        except NodeError as error:
            parts.append(f"<p>{escape(str(error))}</p>")
        if self.metrics:
            parts.append(f"<pre>{escape(to_json(to_jsonable(self.metrics)))}</pre>")
        return "".join([*parts, *(_table(name, table) for name, table in self.tables.items())])


@frozen(eq=False)
class Results(Mapping[str, NodeResult]):
    """What came of a run, by node: `kind.name`, with swept values in brackets (`dataset.box[points=3]`)."""

    report: FinishedRun

    def __getitem__(self, node: str) -> NodeResult:
        return {record.node.id: NodeResult(record) for record in self.report.outcome.records}[node]

    def __iter__(self) -> Iterator[str]:
        return (record.node.id for record in self.report.outcome.records)

    def __len__(self) -> int:
        return len(self.report.outcome.records)

    @property
    def figures(self) -> dict[str, Any]:
        """The finished figures, as matplotlib has them."""
        return {record.node.id: record.value for record in self.report.outcome.of("figure") if record.finished}

    @property
    def summary(self) -> dict[str, Any]:
        """What summary.json holds."""
        return self.report.summary

    def __str__(self) -> str:
        return self.report.answer

    def _repr_html_(self) -> str:
        """The answer, then the figures."""
        shown = [self[node]._repr_html_() for node in self.figures]
        return "".join([f"<pre>{escape(str(self))}</pre>", *shown])


def _images(pictures: Sequence[bytes | None]) -> list[str]:
    texts = [base64.b64encode(picture).decode() for picture in pictures if picture is not None]
    return [f'<img style="max-width: 100%" src="data:image/png;base64,{text}">' for text in texts]


def _table(name: str, table: Table) -> str:
    rows = table.rows
    left = f", the first {_ROWS} of {len(rows)} rows" if len(rows) > _ROWS else ""
    lines = [_row("th", table.columns), *(_row("td", map(format_cell, row.values())) for row in rows[:_ROWS])]
    return f"<table><caption>{escape(name)}{left}</caption>{''.join(lines)}</table>"


def _row(tag: str, cells: Any) -> str:
    return f"<tr>{''.join(f'<{tag}>{escape(str(each))}</{tag}>' for each in cells)}</tr>"
