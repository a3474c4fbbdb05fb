"""The result of a node: a value for other nodes, and metrics and tables for the user."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Generic, Self

from attrs import field, frozen
from typing_extensions import TypeVar

Cell = float | int | str | bool | None
Metric = Cell | Sequence[Cell] | Mapping[str, Any]
Value = TypeVar("Value", default=Any)


@frozen
class Table:
    """A table with columns of equal length, by name, which is written as CSV.

    Raises ValueError for columns of unequal length.
    """

    columns: Mapping[str, Sequence[Cell]] = field()

    @columns.validator
    def _equal_length(self, _: Any, columns: Mapping[str, Sequence[Cell]]) -> None:
        lengths = {name: len(column) for name, column in columns.items()}
        if len(set(lengths.values())) > 1:
            raise ValueError(f"columns of unequal length: {lengths}")

    @classmethod
    def of(cls, rows: Iterable[Mapping[str, Cell]]) -> Self:
        """The table of rows that all have the same names."""
        rows = list(rows)
        return cls({name: [row[name] for row in rows] for name in rows[0]} if rows else {})

    def __getitem__(self, name: str) -> Sequence[Any]:
        """The cells of a column."""
        return self.columns[name]

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The rows of the table, each as a mapping from column to cell."""
        return [dict(zip(self.columns, row, strict=True)) for row in zip(*self.columns.values(), strict=True)]


@frozen
class Result(Generic[Value]):
    """What the computation of a node returns.

    `value` goes to the nodes that refer to this one. The annotation `-> Result[EndShares]` of a `build` declares
    its class, which `flowlab check` compares with what these nodes take. `metrics` are plain numbers for
    summary.json. `tables` become CSV files. `shortfall` says in words how the node fell short of what it should do
    (a tolerance not met, a level without a solution); it is shown wherever the result is shown.

    A result that took long may come from an earlier run: nothing decides it but the component's fields, its
    inputs, the context, and the files of its path fields (see `file_path`) or that it names in `reads() ->
    tuple[str, ...]`. A value can be stored if it is made of plain values, tensors, inputs and attrs classes (see
    `stored_fields`); any other is built again where it is needed.
    """

    value: Value
    metrics: Mapping[str, Metric] = field(factory=dict)
    tables: Mapping[str, Table] = field(factory=dict)
    shortfall: str | None = None
