"""A table of a run read back from its CSV, with the types that its cells had."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

Number = TypeVar("Number", int, float)
_BOOLEANS = {"true": True, "false": False}


def read_csv(text: str) -> dict[str, list[Any]]:
    """The columns by name: booleans, integers, floats to the last digit, lists or text; an empty cell is None."""
    header, *rows = list(csv.reader(io.StringIO(text))) or [[]]
    columns = zip(*rows, strict=True) if rows else ([] for _ in header)
    return {name: _typed(column) for name, column in zip(header, columns, strict=True)}


def _typed(column: Sequence[str]) -> list[Any]:
    """The cells as the first type that all of them have."""
    readers: tuple[Callable[[str], Any], ...] = (_BOOLEANS.__getitem__, _read_integer, _read_float, _read_list)
    for read in readers:
        try:
            return [read(cell) if cell else None for cell in column]
        except (ValueError, KeyError):
            continue
    return [cell or None for cell in column]


def _read_integer(cell: str) -> int:
    return _require_same(cell, int(cell))


def _read_float(cell: str) -> float:
    number = float(cell)
    return number if cell == f"{number:.0f}" else _require_same(cell, number)  # an integer among floats


def _require_same(cell: str, number: Number) -> Number:
    """The number of a cell, if it is written so: 007 and 1_000 are text. Raises ValueError."""
    if str(number) != cell:
        raise ValueError(cell)
    return number


def _read_list(cell: str) -> Any:
    if cell[0] not in "[{":
        raise ValueError(cell)
    return json.loads(cell)
