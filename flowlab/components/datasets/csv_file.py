"""Rows of numbers from a CSV file, with or without names of columns in its first line."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import frozen

from flowlab.components.datasets.array_file import FileContentError

if TYPE_CHECKING:
    import numpy as np

_DELIMITERS = ",;\t"
_LONGEST_COUNT = 2  # a first line 0, 1, ... of more columns is rather a line of names than a point


@frozen
class CsvFile:
    """A CSV file: values separated by commas, semicolons or tabs, a row a line; # begins a comment.

    `header` says whether the first line has names; by default it has if a value in it is no number.
    """

    path: Path
    header: bool | None = None

    def read(self, columns: Sequence[str] = (), repeats: str | None = None) -> tuple[np.ndarray, list[int] | None]:
        """The rows (N, d) of the named columns, or of all others, and the column that says how often each stands.

        Raises FileContentError, OSError.
        """
        import numpy as np

        lines = list(self._lines())
        names = self._names(lines)
        rows = lines if names is None else lines[1:]
        width = len(names) if names is not None else len(rows[0][1]) if rows else 0
        chosen = self._chosen(names, width, columns, repeats)
        values = np.empty((len(rows), len(chosen)))
        for row, (line, cells) in zip(values, rows, strict=True):
            if len(cells) != width:
                raise FileContentError(f"line {line} has {len(cells)} values, and the first has {width}")
            row[:] = [_to_number(cells[i], line, i, names) for i in chosen]
        if repeats is None or names is None:
            return values, None
        column = names.index(repeats)
        return values, [_to_count(cells[column], line, repeats) for line, cells in rows]

    def _lines(self) -> Iterator[tuple[int, list[str]]]:
        """The cells of each line that has any, with its number."""
        try:
            text = self.path.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError as error:
            raise FileContentError(f"no UTF-8 text (byte {error.start}): save it as CSV in UTF-8") from error
        lines = [line.partition("#")[0] for line in text.splitlines()]
        first = next((line for line in lines if line.strip()), "")
        delimiter = next((mark for mark in _DELIMITERS if mark in first), ",")
        reader = csv.reader(lines, delimiter=delimiter)
        try:
            for cells in reader:
                if any(cell.strip() for cell in cells):
                    yield reader.line_num, [cell.strip() for cell in cells]
        except csv.Error as error:
            raise FileContentError(f"line {reader.line_num} can't be read as CSV: is it a text file?") from error

    def _names(self, lines: list[tuple[int, list[str]]]) -> list[str] | None:
        """The names of the columns, None without."""
        if not lines:
            raise FileContentError("it has no values")
        _, first = lines[0]
        numbers = [_parse(cell) for cell in first]
        if self.header is None and len(first) > _LONGEST_COUNT and numbers == list(range(len(first))):
            rule = f"the first line counts from 0 to {len(first) - 1}: is it names of columns or a point?"
            raise FileContentError(f"{rule} Set header = true or false")
        if self.header or (self.header is None and None in numbers):
            return first
        return None

    def _chosen(
        self, names: list[str] | None, width: int, columns: Sequence[str], repeats: str | None
    ) -> list[int]:
        """The numbers of the columns that are coordinates."""
        if names is None:
            if columns or repeats is not None:
                raise FileContentError("its first line has no names of columns, so none can be chosen by name")
            return list(range(width))
        for name in [*columns, *([] if repeats is None else [repeats])]:
            if names.count(name) != 1:
                many = "no column is" if name not in names else "several columns are"
                raise FileContentError(f"{many} called {name!r}, there are: {', '.join(names)}")
        if columns:
            return [names.index(name) for name in columns]
        if "" in names:
            rule = f"column {names.index('') + 1} has no name, as the index that pandas writes"
            raise FileContentError(f"{rule}: save it with index=False, or name the coordinates in columns")
        return [i for i, name in enumerate(names) if name != repeats]


def _parse(cell: str) -> float | None:
    try:
        return None if "_" in cell else float(cell)  # Python reads 1_000
    except ValueError:
        return None


def _to_number(cell: str, line: int, column: int, names: list[str] | None) -> float:
    number = _parse(cell)
    if number is not None:
        return number
    named = f"column {column + 1 if names is None else repr(names[column])}"
    found = f"{cell[:40]!r} is no number" if cell else "a value is missing"
    remedy = (
        "decimals need a point, and values a comma between them"
        if ";" in cell or "," in cell
        else "leave the column out, or name those of the coordinates in columns"
    )
    raise FileContentError(f"line {line}, {named}: {found}; {remedy}")


def _to_count(cell: str, line: int, name: str) -> int:
    number = _parse(cell)
    if number is None or number != number or number < 1 or number > 1e6 or number != int(number):
        raise FileContentError(f"line {line}, column {name!r}: {cell[:40]!r} is no count from 1 to 1,000,000")
    return int(number)
