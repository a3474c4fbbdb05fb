"""A finished run as its folder and its store have it."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from attrs import frozen

from flowlab.api import ExperimentError, Problem
from flowlab.engine.cache.store import Store
from flowlab.output.answer import format_fractions, format_interpolation
from flowlab.output.claims import claims_table
from flowlab.output.file_names import distinct_names, to_file_name
from flowlab.provenance.lock_file import LockFile
from flowlab.provenance.summary import RunSummary, named_nodes
from flowlab.results.run_source import table_name
from flowlab.results.stored_values import StoredValues


@frozen(eq=False)
class RunOnDisk:
    """The lock and the summary of a run, whose tables, figures and values are read when they are asked for."""

    lock: LockFile
    summary: RunSummary

    @property
    def answer(self) -> str:
        """Where flows end, how well denoisers interpolate, shortfalls, claims, and how the run ended."""
        nodes = self.summary.built_nodes
        finished = sum(node.status in ("done", "short") for node in nodes.values())
        ending = f"{self.lock.name}: {finished} of {len(nodes)} nodes, run on {self.lock.date}"
        lines = [
            f"{node.status}: {name}: {node.message or node.shortfall or ''}"
            for name, node in nodes.items()
            if node.status in ("short", "failed") and not (self.summary.claims and name.startswith("analysis."))
        ]
        denoisers = named_nodes(self.summary.of_kind("denoiser"))
        parts = (
            format_fractions(self.summary.ends),
            format_interpolation((name, variant, node.metrics) for name, variant, node in denoisers),
            lines,
            claims_table({"": self.summary.claims}),
            [ending],
        )
        return "\n\n".join("\n".join(part) for part in parts if part)

    @property
    def table_names(self) -> tuple[str, ...]:
        """The tables that it wrote: `kind.name.table`, and those of the metrics of all nodes."""
        folder = self.lock.path.parent
        written = self.lock.files or [f"tables/{path.name}" for path in sorted(folder.glob("tables/*.csv"))]
        return tuple(table_name(path) for path in written if path.startswith("tables/"))

    def csv(self, table: str) -> str:
        """A table's text. Raises ExperimentError where it is not as the run wrote it."""
        return self._read(f"tables/{table}.csv").decode()

    def picture(self, node: str, form: str) -> bytes:
        """A finished figure as png, pdf or svg. Raises ExperimentError where it is not as the run wrote it."""
        nodes = self.summary.of_kind("figure")
        labels = [label for label, summary in nodes.items() if summary.status in ("done", "short")]
        names = distinct_names(map(to_file_name, labels))
        return self._read(f"figures/{dict(zip(labels, names, strict=True))[node.partition('.')[2]]}.{form}")

    def value(self, node: str) -> Any:
        """What a finished node built, or a tool itself. Raises ExperimentError, NodeError, PluginError."""
        return self._values.of(node)

    @property
    def problems(self) -> list[Problem]:
        """The tables and figures that are not as the run wrote them, or gone."""
        folder = self.lock.path.parent
        gone = [name for name in self.lock.files if not (folder / name).is_file()]
        altered = [problem for problems in self.lock.file_problems().values() for problem in problems]
        return [
            *altered,
            *(Problem(str(folder / name), "its run wrote this file, and it is gone") for name in gone),
        ]

    @cached_property
    def _values(self) -> StoredValues:
        return StoredValues(self.lock, self.summary, Store.beside(self.lock.runs_folder))

    def _read(self, name: str) -> bytes:
        content = self.lock.read_file(name)
        if content is None:
            raise ExperimentError([Problem(str(self.lock.path.parent / name), "there is no such file any more")])
        return content
