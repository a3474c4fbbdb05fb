"""Where the results of a run are: in this process, or in the run's folder and its store."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any, Protocol

from attrs import frozen

from flowlab.api import NodeError
from flowlab.engine.format_error import format_error
from flowlab.output.figures import draw_figure
from flowlab.output.metrics_table import metrics_as_csv
from flowlab.output.tables import tables_as_csv
from flowlab.provenance.summary import RunSummary
from flowlab.runner.run_experiment import FinishedRun


class RunSource(Protocol):
    """What a run left, by the ids of its nodes and the names of its tables."""

    @property
    def answer(self) -> str:
        """What the run says, in some lines."""

    @property
    def summary(self) -> RunSummary:
        """What summary.json holds."""

    @property
    def table_names(self) -> tuple[str, ...]:
        """The tables that it wrote: `kind.name.table`, and those of the metrics of all nodes."""

    def csv(self, table: str) -> str:
        """A table's text. Raises ExperimentError where it is not as the run wrote it."""

    def picture(self, node: str, form: str) -> bytes:
        """A finished figure as png, pdf or svg. Raises NodeError, ExperimentError."""

    def value(self, node: str) -> Any:
        """What a finished node built, or a tool itself. Raises NodeError, ExperimentError."""


@frozen(eq=False)
class RunInProcess:
    """A run that this process has just ended."""

    run: FinishedRun

    @property
    def answer(self) -> str:
        """What is printed at the end of a run."""
        return self.run.answer

    @cached_property
    def summary(self) -> RunSummary:
        """What summary.json holds."""
        return RunSummary.of(self.run.graph, self.run.outcome)

    @property
    def table_names(self) -> tuple[str, ...]:
        """The tables that it wrote: `kind.name.table`, and those of the metrics of all nodes."""
        return tuple(self._tables)

    def csv(self, table: str) -> str:
        """A table's text."""
        return self._tables[table]

    def picture(self, node: str, form: str) -> bytes:
        """A finished figure as png, pdf or svg. Raises NodeError for one that can't be drawn."""
        record = next(record for record in self.run.outcome.records if record.node.id == node)
        try:
            return draw_figure(record, form)
        except Exception as error:  # text is laid out at drawing, so a component's mistake can surface here
            raise NodeError(f"{node} can't be drawn: {format_error(error)}") from error

    def value(self, node: str) -> Any:
        """What a finished node built, or a tool itself."""
        return next(record.value for record in self.run.outcome.records if record.node.id == node)

    @cached_property
    def _tables(self) -> Mapping[str, str]:
        files = {**tables_as_csv(self.run.outcome), **metrics_as_csv(self.run.outcome)}
        return {table_name(path): content.decode() for path, content in files.items()}


def table_name(path: str) -> str:
    """The name of a table by its file in a run's folder."""
    return path.removeprefix("tables/").removesuffix(".csv")
