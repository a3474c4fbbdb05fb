"""What became of one node of a run."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from attrs import field, frozen

from flowlab.api import ExperimentError, NodeError, Table
from flowlab.engine.outcome import Status
from flowlab.output.jsonable import to_json, to_jsonable
from flowlab.output.tables import format_cell
from flowlab.provenance.summary import NodeSummary
from flowlab.results.html import html_picture, html_table
from flowlab.results.run_source import RunSource
from flowlab.results.run_tables import RunTables

_SHOWN_ROWS = 20


@frozen(eq=False)
class NodeResult:
    """What became of one node."""

    id: str
    _summary: NodeSummary = field(repr=False)
    _source: RunSource = field(repr=False)

    @property
    def status(self) -> Status:
        """done, short (done with a shortfall), failed or skipped."""
        return self._summary.status

    @property
    def settings(self) -> Mapping[str, Any]:
        """The swept values that it depends on, by path."""
        return self._summary.variant

    @property
    def seconds(self) -> float:
        """How long it took in its run; to read it, if that run reused it."""
        return self._summary.seconds

    @property
    def metrics(self) -> Mapping[str, Any]:
        """Numbers by name, as summary.json has them."""
        return self._summary.metrics

    @property
    def message(self) -> str:
        """Why it failed or what it fell short of, empty where all is well."""
        return self._summary.message or self._summary.shortfall or ""

    @property
    def value(self) -> Any:
        """What the node built: a bank, trajectories, the matplotlib figure of a figure.

        Of an opened run it is read from the store, and refused unless it is the one that the run had. Raises
        NodeError where the node did not finish, ExperimentError where the value can't be had.
        """
        self._require_finished()
        return self._source.value(self.id)

    @property
    def tables(self) -> Mapping[str, Table]:
        """Tables by name."""
        return RunTables(self._source).of_node(self.id)

    def picture(self, form: str = "png") -> bytes:
        """A figure's file as png, pdf or svg. Raises NodeError, ExperimentError."""
        self._require_finished()
        if not self.id.startswith("figure."):
            raise NodeError(f"{self.id} is no figure")
        return self._source.picture(self.id, form)

    def _require_finished(self) -> None:
        if self.status in ("failed", "skipped"):
            raise NodeError(f"{self.id} {self.status}: {self.message}")

    def _repr_png_(self) -> bytes | None:
        """The picture of a finished figure. Raises NodeError for one that can't be drawn."""
        shown = self.id.startswith("figure.") and self.status in ("done", "short")
        return self.picture() if shown else None

    def _repr_html_(self) -> str:
        """Status, picture, metrics and the first rows of each table."""
        parts = [f"<h4>{escape(self.id)}: {self.status}</h4>"]
        if self.message:
            parts.append(f"<p>{escape(self.message)}</p>")
        try:
            picture = self._repr_png_()
            parts += [] if picture is None else [html_picture(picture)]
        except (NodeError, ExperimentError) as error:
            parts.append(f"<p>{escape(str(error))}</p>")
        if self.metrics:
            parts.append(f"<pre>{escape(to_json(to_jsonable(self.metrics)))}</pre>")
        for name, table in self.tables.items():
            rows = [list(map(format_cell, row.values())) for row in table.rows]
            parts.append(html_table(name, list(table.columns), rows[:_SHOWN_ROWS], len(rows)))
        return "".join(parts)
