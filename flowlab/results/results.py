"""The results of a run: what `Experiment.run` returns, and what `open_run` returns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from flowlab.api.node_label import short_keys
from flowlab.output.swept_columns import union_paths
from flowlab.results.latex import to_latex
from flowlab.results.node_result import NodeResult
from flowlab.results.result_table import ResultTable
from flowlab.results.run_source import RunSource
from flowlab.results.run_tables import RunTables
from flowlab.results.unknown_name import UnknownName

if TYPE_CHECKING:
    from pandas import DataFrame


@frozen(eq=False, repr=False)
class Results(Mapping[str, NodeResult]):
    """What came of a run, by node: `kind.name`, with swept values in brackets (`dataset.box[points=3]`)."""

    _source: RunSource = field(repr=False)

    def __getitem__(self, node: str) -> NodeResult:
        """A node's result. Raises UnknownName, a KeyError, with the nearest name."""
        kind, _, label = node.partition(".")
        summary = self._source.summary.of_kind(kind).get(label)
        if summary is None:
            raise UnknownName("nodes", node, list(self), self._source.summary.declared)
        return NodeResult(node, summary, self._source)

    def __iter__(self) -> Iterator[str]:
        return (f"{kind}.{label}" for kind, nodes in self._source.summary.nodes.items() for label in nodes)

    def __len__(self) -> int:
        return sum(map(len, self._source.summary.nodes.values()))

    def select(self, node: str, **settings: Any) -> dict[str, NodeResult]:
        """The settings of a node `kind.name` that have these swept values: `select("flow.pf", width=50, seed=0)`.

        Raises UnknownName for a node, or a swept key, that there is not.
        """
        declared = self._source.summary.declared
        chosen = {name: self[name] for name in self if declared[name] == node}
        if not chosen:
            raise UnknownName("nodes", node, list(dict.fromkeys(declared.values())))
        names = short_keys(union_paths(result.settings for result in self.values()))
        keys = {names[path]: path for path in union_paths(result.settings for result in chosen.values())}
        for key in settings:
            if key not in keys:
                raise UnknownName(f"swept keys of {node}", key, list(keys))
        return {
            name: result
            for name, result in chosen.items()
            if all(result.settings.get(keys[key]) == value for key, value in settings.items())
        }

    @property
    def table_names(self) -> list[str]:
        """The names that `table`, `frame` and `latex` take.

        `nodes` has a row for each node, `ends` the shares of each flow's points by class, `metrics` a row for each
        number, `metrics-over-seeds` their statistics, `kind.name` the metrics of a node in all its settings,
        `kind.name.table` a table that the node made.
        """
        return RunTables(self._source).names

    def table(self, name: str) -> ResultTable:
        """A table in all settings of a sweep. Raises UnknownName, ExperimentError for a file that was changed."""
        return RunTables(self._source).get(name)

    def frame(self, name: str) -> DataFrame:
        """The same as a pandas DataFrame. Raises also ExtraMissing without pandas."""
        return self.table(name).to_frame()

    def latex(
        self,
        name: str,
        *,
        columns: Sequence[str] = (),
        caption: str | None = None,
        label: str | None = None,
        digits: int = 3,
    ) -> str:
        """The same as a LaTeX table: means over the seeds, if there are several, with their intervals.

        `columns` chooses some of them, `digits` are those of a number without an interval.
        """
        return to_latex(self.table(name), columns=columns, caption=caption, label=label, digits=digits)

    @property
    def figures(self) -> Mapping[str, Any]:
        """The finished figures, as matplotlib has them; those of an opened run are drawn when asked for."""
        return Figures({name: self[name] for name in self if name.startswith("figure.")})

    @property
    def summary(self) -> dict[str, Any]:
        """What summary.json holds."""
        return self._source.summary.data

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {len(self)} nodes, {len(self.table_names)} tables>"

    def __str__(self) -> str:
        return self._source.answer

    def _repr_html_(self) -> str:
        """The answer, the names of the tables, then the figures."""
        tables = "".join(f"<li><code>{escape(name)}</code></li>" for name in self.table_names)
        shown = [self[node]._repr_html_() for node in self.figures]
        names = f"<details><summary>tables</summary><ul>{tables}</ul></details>"
        return "".join([f"<pre>{escape(str(self))}</pre>", names, *shown])


@frozen(eq=False)
class Figures(Mapping[str, Any]):
    """Figures by node, each drawn when it is asked for."""

    _results: Mapping[str, NodeResult] = field(repr=False)

    def __getitem__(self, node: str) -> Any:
        """A matplotlib figure. Raises UnknownName, NodeError where it did not finish."""
        if node not in self._results:
            raise UnknownName("figures", node, list(self))
        return self._results[node].value

    def __iter__(self) -> Iterator[str]:
        return (name for name, result in self._results.items() if result.status in ("done", "short"))

    def __len__(self) -> int:
        return sum(1 for _ in self)
