"""Everything of a run that makes a table, by one name each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from attrs import evolve, frozen

from flowlab.api import CLASSES, Table
from flowlab.api.node_label import short_keys
from flowlab.output.fractions import counts_classes
from flowlab.output.metrics_table import METRICS_TABLE, OVER_SEEDS_TABLE
from flowlab.output.swept_columns import union_paths
from flowlab.output.tables import format_cell
from flowlab.provenance.summary import NodeSummary
from flowlab.results.read_csv import read_csv
from flowlab.results.result_table import ResultTable
from flowlab.results.run_source import RunSource
from flowlab.results.unknown_name import UnknownName

NODES, ENDS = "nodes", "ends"
Columns = Mapping[str, Sequence[Any]]
Row = dict[str, Any]
Setting = tuple[Mapping[str, Any], Row]  # the swept values by path, and the other cells of a row


@frozen(eq=False)
class RunTables:
    """The tables of a run.

    `nodes` has a row for each node, `ends` the shares of each flow's points by class, `metrics` a row for each
    number, `metrics-over-seeds` their statistics, `kind.name` the metrics of a node in all its settings,
    `kind.name.table` a table that the node made.
    """

    source: RunSource

    @property
    def names(self) -> list[str]:
        """All names, in the order of the run."""
        nodes, declared = self.source.summary.built_nodes, self._declared
        with_metrics = [declared[node_id] for node_id, node in nodes.items() if node.metrics]
        ends = [ENDS] if any(True for _ in self._ends()) else []
        written = self.source.table_names
        of_all_nodes = [name for name in (METRICS_TABLE, OVER_SEEDS_TABLE) if name in written]
        own = [name for name in written if self._owner(name)]
        return [NODES, *ends, *of_all_nodes, *dict.fromkeys(with_metrics), *own]

    def get(self, name: str) -> ResultTable:
        """A table by name. Raises UnknownName, ExperimentError where a file is not as the run wrote it."""
        if name not in self.names:
            raise UnknownName("tables", name, self.names)
        if name == NODES:
            nodes = self.source.summary.nodes
            described = [(node.variant, _describe(kind, node)) for kind in nodes for node in nodes[kind].values()]
            return self._join(NODES, described)
        if name == ENDS:
            ends = self._join(ENDS, list(self._ends()))
            pinned = self.source.summary.pinned_flows
            same_starts = [flow in pinned for flow in ends.columns["flow"]]
            return evolve(ends, shares=CLASSES, starts=ends.columns["starts"], same_starts=same_starts)
        if name in self.source.table_names:
            return self._from_csv(name)
        chosen = [node for node_id, node in self._nodes.items() if self._declared[node_id] == name]
        return self._join(name, [(node.variant, node.lists) for node in chosen if node.metrics])

    def of_node(self, node_id: str) -> dict[str, Table]:
        """The tables of one node in one setting, by their own names."""
        declared, variant = self._declared[node_id], self._nodes[node_id].variant
        tables = {
            name.removeprefix(f"{declared}."): self._rows_of(name, variant)
            for name in self.source.table_names
            if self._owner(name) == declared
        }
        return {name: table for name, table in tables.items() if table.rows}

    def _rows_of(self, name: str, variant: Mapping[str, Any]) -> Table:
        """The rows of a table that a node made in one setting, without the swept values."""
        columns = read_csv(self.source.csv(name))
        paths = [path for path in self._swept_paths(name) if path in columns]
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
    def _declared(self) -> dict[str, str]:
        return self.source.summary.declared

    @property
    def _key_names(self) -> dict[str, str]:
        return short_keys(union_paths(node.variant for node in self._nodes.values()))

    def _swept_paths(self, table: str) -> list[str]:
        """The swept paths of the nodes of which a written table is."""
        owner, declared = self._owner(table), self._declared
        nodes = self._nodes.items()
        return union_paths(node.variant for node_id, node in nodes if owner in ("", declared[node_id]))

    def _from_csv(self, name: str) -> ResultTable:
        """A table that the run wrote, whose swept paths become short names."""
        columns = read_csv(self.source.csv(name))
        paths = [path for path in self._swept_paths(name) if path in columns]
        keys = {self._key_names[path]: columns[path] for path in paths}
        own = {column: cells for column, cells in columns.items() if column not in paths}
        return ResultTable(name, tuple(keys), _join_columns(keys, own, self._owner(name) or name))

    def _join(self, name: str, rows: list[Setting]) -> ResultTable:
        """One table of rows with different columns; a cell that a row lacks is None."""
        columns = dict.fromkeys(column for _, row in rows for column in row)
        paths = union_paths(variant for variant, _ in rows)
        keys = {self._key_names[path]: [variant.get(path) for variant, _ in rows] for path in paths}
        own = {column: [row.get(column) for _, row in rows] for column in columns}
        return ResultTable(name, tuple(keys), _join_columns(keys, own, name))

    def _owner(self, table: str) -> str:
        """The node `kind.name` that made a table; empty for a table of all nodes."""
        owners = self._declared.values()
        return max((owner for owner in owners if table.startswith(f"{owner}.")), key=len, default="")

    def _ends(self) -> Iterator[Setting]:
        """Where each flow's points end in each setting, as shares."""
        for node in self.source.summary.of_kind("classifier").values():
            for flow, counts in node.metrics.items():
                if counts_classes(counts):
                    total = sum(counts.values())
                    shares = {name: counts[name] / total if total else None for name in CLASSES}
                    facts = {"classifier": node.name, "flow": flow, "starts": total}
                    yield node.variant, {**facts, **shares}


def _same(cell: Any, value: Any) -> bool:
    """Whether a cell of a CSV is a swept value: 1 may be 1.0 there, and a text of digits a number."""
    return bool(cell == value) or format_cell(cell) == format_cell(value)


def _join_columns(keys: Columns, own: Columns, owner: str) -> Columns:
    """A table's columns behind those of the swept keys.

    One that has a key's name is left out where it says the same, and gets its owner's name in front elsewhere.
    """
    others = {
        f"{owner}.{name}" if name in keys else name: cells
        for name, cells in own.items()
        if name not in keys or list(keys[name]) != list(cells)
    }
    return {**keys, **others}


def _describe(kind: str, node: NodeSummary) -> Row:
    reason = node.message or node.shortfall
    facts = {"kind": kind, "name": node.name, "use": node.use, "status": node.status}
    return {**facts, "reused": node.reused, "seconds": node.seconds, "message": reason}
