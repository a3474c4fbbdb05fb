"""A table as a page shows it: cells to be read, numbers known as such, the first rows of many."""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Sequence

from attrs import frozen

_ROWS = 100
_DIGITS = 5


@frozen
class Grid:
    """Columns and rows of text; `total` counts the rows that were left out as well."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    total: int

    @classmethod
    def of(cls, header: Sequence[str], rows: Sequence[Sequence[str]]) -> Grid:
        """All the rows, as they are."""
        return cls(header, rows, len(rows))

    @classmethod
    def of_csv(cls, text: str) -> Grid:
        """The first rows of a file, numbers rounded."""
        reader = csv.reader(io.StringIO(text))
        header = next(reader)
        rows = [[round_cell(cell) for cell in row] for row in itertools.islice(reader, _ROWS)]
        return cls(header, rows, len(rows) + sum(1 for _ in reader))

    @property
    def without_empty(self) -> Grid:
        """The same without the columns in which there is nothing."""
        kept = [index for index in range(len(self.columns)) if any(row[index] != "-" for row in self.rows)]
        rows = [[row[index] for index in kept] for row in self.rows]
        return Grid([self.columns[index] for index in kept], rows, self.total)

    @property
    def without_zero(self) -> Grid:
        """The same without the columns that are zero in every row, of several rows."""
        zero = self.zero_columns
        kept = [index for index, name in enumerate(self.columns) if name not in zero]
        return Grid(
            [self.columns[index] for index in kept],
            [[row[index] for index in kept] for row in self.rows],
            self.total,
        )

    @property
    def zero_columns(self) -> list[str]:
        """The columns that are zero in every row, of several rows that are all here."""
        if not 1 < len(self.rows) == self.total:
            return []
        return [
            name
            for index, name in enumerate(self.columns)
            if all(_is_number(row[index]) and float(row[index]) == 0 for row in self.rows)
        ]

    @property
    def numeric(self) -> list[bool]:
        """For each column whether all that stands in it are numbers."""
        return [
            any(map(_is_number, column)) and all(_is_number(cell) or cell in ("", "-") for cell in column)
            for column in ([row[index] for row in self.rows] for index in range(len(self.columns)))
        ]


def round_cell(cell: str) -> str:
    """A float to the digits that people read; all else as it is."""
    if not _is_number(cell) or cell.lstrip("-").isdigit():
        return cell
    return f"{float(cell):.{_DIGITS}g}"


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
