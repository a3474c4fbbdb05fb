"""A table over several seeds as one of means with intervals."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from attrs import frozen

from flowlab.api import ExperimentError, Problem
from flowlab.output.seed_statistics import SeedStatistics
from flowlab.output.tables import format_cell
from flowlab.results.result_table import SEED_COLUMN, ResultTable

STUDENT = "Means over {count} seeds with 95 % Student t intervals"
POOLED = f"{STUDENT}, widened where needed to the Clopper-Pearson intervals of all starts"
SAME_STARTS = "; starts that are the same at all seeds are counted once"
EQUAL = "; numbers without an interval are equal at all seeds"
GAPS = ", and -- stands where a seed has no number"
CLOPPER_PEARSON = "Shares with 95 % Clopper-Pearson intervals over starts."


@frozen
class MeanTable:
    """A table whose cells may be statistics over seeds; `interval` says in a sentence what they are."""

    name: str
    keys: tuple[str, ...]
    columns: Mapping[str, Sequence[Any]]
    shares: tuple[str, ...]
    interval: str


def average_seeds(table: ResultTable) -> MeanTable:
    """The means of numbers that vary over the seeds; what is equal at all of them stays as it is.

    Rows belong together that have the same other swept keys and the same place among the rows of their seed. Where
    one of them has no number, there is no mean. A share gets an interval at a single seed too, that of its starts.
    Raises ExperimentError where such rows differ in text, or a seed lacks some of them.
    """
    seeds = list(dict.fromkeys(table.columns[SEED_COLUMN])) if table.has_seeds else []
    keys = tuple(key for key in table.keys if key != SEED_COLUMN)
    names = [name for name in table.columns if name not in table.keys or name in keys]
    has_shares = any(name in table.shares for name in names)
    if len(seeds) < 2:
        columns = {name: _with_starts(table, name) for name in names}
        return MeanTable(table.name, keys, columns, table.shares, CLOPPER_PEARSON if has_shares else "")
    groups = _align_rows(table, len(seeds))
    columns = {name: [_merge(table, name, rows) for rows in groups] for name in names}
    gaps = any(
        cell is None and any(table.columns[name][row] is not None for row in rows)
        for name, cells in columns.items()
        for cell, rows in zip(cells, groups, strict=True)
    )
    interval = (POOLED if has_shares else STUDENT).format(count=len(seeds))
    interval += SAME_STARTS if has_shares and any(table.same_starts) else ""
    return MeanTable(table.name, keys, columns, table.shares, f"{interval}{EQUAL}{GAPS if gaps else ''}.")


def _align_rows(table: ResultTable, seeds: int) -> list[list[int]]:
    """The numbers of the rows that belong together, one a seed."""
    groups: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    places: dict[tuple[Any, ...], int] = defaultdict(int)
    others = [table.columns[key] for key in table.keys if key != SEED_COLUMN]
    for number, seed in enumerate(table.columns[SEED_COLUMN]):
        setting = tuple(format_cell(column[number]) for column in others)  # a swept value may be a list
        groups[*setting, places[*setting, seed]].append(number)
        places[*setting, seed] += 1
    if any(len(rows) != seeds for rows in groups.values()):
        raise _refuse(table, "the seeds have different numbers of rows")
    return list(groups.values())


def _merge(table: ResultTable, name: str, rows: Sequence[int]) -> Any:
    """One cell of those of several seeds."""
    cells = [table.columns[name][row] for row in rows]
    numbers = [cell for cell in cells if _is_number(cell)]
    if name in table.shares and len(numbers) == len(cells):
        same_starts = any(table.same_starts[row] for row in rows if table.same_starts)
        return SeedStatistics(tuple(cells), min(table.starts[row] for row in rows), same_starts)
    if all(cell == cells[0] for cell in cells):
        return cells[0]
    if not all(cell is None or _is_number(cell) for cell in cells):
        raise _refuse(table, f"the column {name!r} differs between seeds and is no number")
    if any(cell is None or not math.isfinite(cell) for cell in cells):
        return None
    return SeedStatistics(tuple(cells))


def _is_number(cell: Any) -> bool:
    return isinstance(cell, int | float) and not isinstance(cell, bool)


def _with_starts(table: ResultTable, name: str) -> list[Any]:
    """The cells of a column; those with shares get the interval of their starts."""
    cells = list(table.columns[name])
    if name not in table.shares:
        return cells
    return [
        share if share is None else SeedStatistics((share,), starts)
        for share, starts in zip(cells, table.starts, strict=True)
    ]


def _refuse(table: ResultTable, rule: str) -> ExperimentError:
    return ExperimentError([Problem(table.name, f"{rule}: its mean over seeds can't be taken; keep each seed")])
