"""Where the flows of a run end, as lines of text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flowlab.api import ExperimentError
from flowlab.output.tables import format_cell
from flowlab.output.text_table import align_columns
from flowlab.results.result_table import ResultTable
from flowlab.results.seed_means import Estimate, average_seeds


def format_ends(ends: ResultTable) -> list[str]:
    """A row a setting, classifier and flow, each share in percent with its interval, under a line that names it.

    A row a seed where seeds can't be averaged, as those of an interrupted run.
    """
    try:
        means = average_seeds(ends)
    except ExperimentError:
        return ["Where the flows end, shares at each seed", *align_columns(_rows(ends.columns), indent=2)]
    return [f"Where the flows end, %. {means.interval}", *align_columns(_rows(means.columns), indent=2)]


def _rows(columns: Mapping[str, Sequence[Any]]) -> list[list[str]]:
    return [list(columns), *(list(map(_format, row)) for row in zip(*columns.values(), strict=True))]


def _format(cell: Any) -> str:
    if not isinstance(cell, Estimate):
        return format_cell(cell)
    return f"{100 * cell.mean:.1f} [{100 * cell.low:.1f}, {100 * cell.high:.1f}]"
