"""Everything of a run that makes a table, by one name each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from attrs import evolve, frozen

from flowlab.api import CLASSES, Table
from flowlab.api.helpers.labels import without_setting
from flowlab.output.tables import format_cell
from flowlab.provenance.summary import NodeSummary
from flowlab.results.read_csv import read_csv
from flowlab.results.result_table import ResultTable
from flowlab.results.run_source import RunSource
from flowlab.results.swept_keys import join_columns, name_swept_keys, swept_paths
from flowlab.results.unknown_name import UnknownName

NODES, ENDS = "nodes", "ends"
Row = dict[str, Any]
Setting = tuple[Mapping[str, Any], Row]  # the swept values by path, and the other cells of a row


@frozen(eq=False)
class RunTables:
    """The tables of a run.

    `nodes` has a row for each node, `ends` the shares of each flow's points by class, `kind.name` the metrics of a
    node in all its settings, `kind.name.table` a table that the node made.
    """

    source: RunSource

    @property
    def names(self) -> list[str]:
        """All names, in the order of the run."""
        nodes = self.source.summary.built_nodes
        with_metrics = [without_setting(name) for name, node in nodes.items() if node.metrics]
        ends = [ENDS] if any(True for _ in self._ends()) else []
        own = [name for name in self.source.table_names if self._owner(name)]
        return [NODES, *ends, *dict.fromkeys(with_metrics), *own]

    def get(self, name: str) -> ResultTable:
        """A table by name. Raises UnknownName, ExperimentError where a file is not as the run wrote it."""
        if name not in self.names:
            raise UnknownName("tables", name, self.names)
        if name == NODES:
            return self._join(NODES, [(node.variant, _describe(key, node)) for key, node in self._nodes.items()])
        if name == ENDS:
            ends = self._join(ENDS, list(self._ends()))
            return evolve(ends, shares=CLASSES, starts=ends.columns["starts"])
        if name in self.source.table_names:
            return self._from_csv(name)
        chosen = [node for key, node in self._nodes.items() if without_setting(key) == name]
        return self._join(name, [(node.variant, node.lists) for node in chosen if node.metrics])

    def of_node(self, node_id: str) -> dict[str, Table]:
        """The tables of one node in one setting, by their own names."""
        declared, variant = without_setting(node_id), self._nodes[node_id].variant
        tables = {
            name.removeprefix(f"{declared}."): self._rows_of(name, variant)
            for name in self.source.table_names
            if self._owner(name) == declared
        }
        return {name: table for name, table in tables.items() if table.rows}

    def _rows_of(self, name: str, variant: Mapping[str, Any]) -> Table:
        """The rows of a table that a node made in one setting, without the swept values."""
        columns = read_csv(self.source.csv(name))
        paths = [path for path in self._swept_by(self._owner(name)) if path in columns]
        rows = range(len(next(iter(columns.values()), ())))
        here = [row for row in rows if all(_same(columns[path][row], variant.get(path)) for path in paths)]
        own = (column for column in columns if column not in paths)
        return Table({column: [columns[column][row] for row in here] for column in own})

    @property
    def _nodes(self) -> dict[str, NodeSummary]:
        return {
            f"{kind}.{label}": node
            for kind, nodes in self.source.summary.nodes.items()
            for label, node in nodes.items()
        }

    @property
    def _key_names(self) -> dict[str, str]:
        return name_swept_keys(swept_paths(node.variant for node in self._nodes.values()))

    def _swept_by(self, declared: str) -> list[str]:
        return swept_paths(node.variant for key, node in self._nodes.items() if without_setting(key) == declared)

    def _from_csv(self, name: str) -> ResultTable:
        """A node's table, whose swept paths become short names."""
        columns, owner = read_csv(self.source.csv(name)), self._owner(name)
        paths = [path for path in self._swept_by(owner) if path in columns]
        keys = {self._key_names[path]: columns[path] for path in paths}
        own = {column: cells for column, cells in columns.items() if column not in paths}
        return ResultTable(name, tuple(keys), join_columns(keys, own, owner))

    def _join(self, name: str, rows: list[Setting]) -> ResultTable:
        """One table of rows with different columns; a cell that a row lacks is None."""
        columns = dict.fromkeys(column for _, row in rows for column in row)
        paths = swept_paths(variant for variant, _ in rows)
        keys = {self._key_names[path]: [variant.get(path) for variant, _ in rows] for path in paths}
        own = {column: [row.get(column) for _, row in rows] for column in columns}
        return ResultTable(name, tuple(keys), join_columns(keys, own, name))

    def _owner(self, table: str) -> str:
        """The node `kind.name` that made a table."""
        owners = {without_setting(key) for key in self._nodes}
        return max((owner for owner in owners if table.startswith(f"{owner}.")), key=len, default="")

    def _ends(self) -> Iterator[Setting]:
        """Where each flow's points end in each setting, as shares."""
        for label, node in self.source.summary.of_kind("classifier").items():
            for flow, counts in node.metrics.items():
                if isinstance(counts, Mapping) and counts.keys() == set(CLASSES):
                    total = sum(counts.values())
                    shares = {name: counts[name] / total if total else None for name in CLASSES}
                    facts = {"classifier": without_setting(label), "flow": flow, "starts": total}
                    yield node.variant, {**facts, **shares}


def _same(cell: Any, value: Any) -> bool:
    """Whether a cell of a CSV is a swept value: 1 may be 1.0 there, and a text of digits a number."""
    return bool(cell == value) or format_cell(cell) == format_cell(value)


def _describe(node_id: str, node: NodeSummary) -> Row:
    kind, _, label = node_id.partition(".")
    reason = node.message or node.shortfall
    facts = {"kind": kind, "name": without_setting(label), "use": node.use, "status": node.status}
    return {**facts, "reused": node.reused, "seconds": node.seconds, "message": reason}
