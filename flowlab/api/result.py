"""What a node leaves behind: a value for others, and metrics and tables for people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from attrs import field, frozen

Cell = float | int | str | bool | None
Metric = Cell | Sequence[Cell] | Mapping[str, Any]


@frozen
class Table:
    """Columns of equal length, by name; written as CSV."""

    columns: Mapping[str, Sequence[Cell]] = field()

    @columns.validator
    def _equal_length(self, _: Any, columns: Mapping[str, Sequence[Cell]]) -> None:
        lengths = {name: len(column) for name, column in columns.items()}
        if len(set(lengths.values())) > 1:
            raise ValueError(f"columns of unequal length: {lengths}")

    @classmethod
    def of(cls, rows: Iterable[Mapping[str, Cell]]) -> Table:
        """A table of rows that hold the same names."""
        rows = list(rows)
        return cls({name: [row[name] for row in rows] for name in rows[0]} if rows else {})

    @property
    def rows(self) -> list[dict[str, Cell]]:
        """The table as one mapping a row."""
        return [dict(zip(self.columns, row, strict=True)) for row in zip(*self.columns.values(), strict=True)]


@frozen
class Result:
    """The outcome of a node's work.

    `value` goes to the nodes that refer to this one; `metrics` are plain numbers for summary.json;
    `tables` become CSV files. `shortfall` says in words how the node fell short of what was asked of it
    (a tolerance not met, a level without a solution); it is shown wherever the result is.

    A result that took long may come from an earlier run: nothing decides it but the component's fields, its
    inputs, the context, and the files that it names in `reads() -> tuple[str, ...]`. A value
    can be stored if it is made of plain values, tensors, inputs and attrs classes (see `stored_fields`); any
    other is built again where it is needed.
    """

    value: Any
    metrics: Mapping[str, Metric] = field(factory=dict)
    tables: Mapping[str, Table] = field(factory=dict)
    shortfall: str | None = None
