"""A table of a run: all settings of a sweep in one, the swept keys and the seed first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from attrs import evolve, frozen

from flowlab.output.tables import format_cell
from flowlab.output.text_table import align_columns
from flowlab.results.extras import require_pandas
from flowlab.results.html import html_table
from flowlab.results.unknown_name import UnknownName

if TYPE_CHECKING:
    from pandas import DataFrame

SEED_COLUMN = "seed"
_SHOWN_ROWS = 20  # as many as a notebook shows at a glance


@frozen(eq=False, repr=False)
class ResultTable:
    """Columns of equal length by name; `keys` are those with swept values, the seed among them.

    `shares` are columns with shares of `starts`, of which each row has a number; those of `same_starts` have
    the same starts at all seeds.
    """

    name: str
    keys: tuple[str, ...]
    columns: Mapping[str, Sequence[Any]]
    shares: tuple[str, ...] = ()
    starts: Sequence[int] = ()
    same_starts: Sequence[bool] = ()

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), ()))

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The rows, each as a mapping from column to cell."""
        return [dict(zip(self.columns, row, strict=True)) for row in zip(*self.columns.values(), strict=True)]

    @property
    def has_seeds(self) -> bool:
        """Whether its rows are of several seeds."""
        return SEED_COLUMN in self.keys

    def choose_columns(self, names: Sequence[str]) -> ResultTable:
        """The table with these columns, swept keys, and the texts that name a row. Raises UnknownName."""
        for name in names:
            if name not in self.columns:
                raise UnknownName(f"columns of {self.name}", name, list(self.columns))
        texts = [name for name, cells in self.columns.items() if {type(cell) for cell in cells} == {str}]
        kept = dict.fromkeys([*self.keys, *texts, *names])
        return evolve(self, columns={name: self.columns[name] for name in kept})

    def to_frame(self) -> DataFrame:
        """The table as a pandas DataFrame. Raises ExtraMissing without pandas."""
        pandas = require_pandas()
        series = {
            name: pandas.Series(list(column), dtype="Int64" if _is_integer_with_gaps(column) else None)
            for name, column in self.columns.items()
        }
        return pandas.DataFrame(series)

    def __repr__(self) -> str:
        """The first rows, as text."""
        rest = [f"and {len(self) - _SHOWN_ROWS} more rows"] if len(self) > _SHOWN_ROWS else []
        return "\n".join([*align_columns([list(self.columns), *self._first_rows]), *rest])

    def _repr_html_(self) -> str:
        """The first rows."""
        return html_table(self.name, list(self.columns), self._first_rows, len(self))

    @property
    def _first_rows(self) -> list[list[str]]:
        return [list(map(format_cell, row.values())) for row in self.rows[:_SHOWN_ROWS]]


def _is_integer_with_gaps(column: Sequence[Any]) -> bool:
    """Whether pandas would make floats of a column's integers, as some cells are empty."""
    filled = [cell for cell in column if cell is not None]
    return 0 < len(filled) < len(column) and all(type(cell) is int for cell in filled)
