"""A table as LaTeX for a paper, with the rules of the package booktabs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from attrs import evolve

from flowlab.api.helpers.largest_number import largest_number
from flowlab.output.seed_statistics import SeedStatistics
from flowlab.output.tables import format_cell
from flowlab.results.result_table import ResultTable
from flowlab.results.seed_means import MeanTable, average_seeds

_ESCAPES = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    **{mark: f"\\{mark}" for mark in "&%$#_{}"},
}
_LEAST_DECIMAL, _MOST_DECIMAL = 5e-4, 1e5  # the sizes of numbers that are written without a power of ten


def to_latex(
    table: ResultTable,
    *,
    columns: Sequence[str] = (),
    caption: str | None = None,
    label: str | None = None,
    digits: int = 3,
    each_seed: bool = False,
) -> str:
    """A `table` environment; its caption names the interval, `digits` are those of a number without one.

    `columns` chooses some of them, besides those with swept keys, which always stay. Numbers over several seeds
    are means; `each_seed` keeps a row a seed instead. Shares are in percent. Of a list, such as the violations of
    all levels, the largest number is printed. Raises UnknownName, ExperimentError where the rows of several seeds
    can't be averaged.
    """
    table = table.choose_columns(columns) if columns else table
    table = evolve(table, columns=dict(_reduce_lists(name, cells) for name, cells in table.columns.items()))
    content = MeanTable(table.name, table.keys, table.columns, table.shares, "")
    if not each_seed:
        content = average_seeds(table)
    filled = {name: cells for name, cells in content.columns.items() if any(cell is not None for cell in cells)}
    content = evolve(content, columns=filled)
    header = [_header(name, name in content.shares) for name in content.columns]
    texts = [
        [_format(cell, digits, 100 if name in content.shares else 1) for cell in cells]
        for name, cells in content.columns.items()
    ]
    alignment = "".join("r" if _is_numeric(cells) else "l" for cells in content.columns.values())
    rows = [f"    {' & '.join(cells)} \\\\" for cells in zip(*texts, strict=True)]
    text = [caption or f"{escape(table.name)}.", escape(content.interval).replace(" \\%", r"~\%")]
    return "\n".join(
        [
            r"\begin{table}  % needs \usepackage{booktabs}",
            r"  \centering",
            rf"  \caption{{{' '.join(filter(None, text))}}}",
            rf"  \label{{{label or f'tab:{table.name}'}}}",
            rf"  \begin{{tabular}}{{{alignment}}}",
            r"    \toprule",
            f"    {' & '.join(header)} \\\\",
            r"    \midrule",
            *rows,
            r"    \bottomrule",
            r"  \end{tabular}",
            r"\end{table}",
            "",
        ]
    )


def escape(text: str) -> str:
    """Text that LaTeX prints as it is."""
    return "".join(_ESCAPES.get(mark, mark) for mark in text)


def _header(name: str, share: bool) -> str:
    return f"{escape(name)} (\\%)" if share else escape(name)


def _reduce_lists(name: str, cells: Sequence[Any]) -> tuple[str, Sequence[Any]]:
    """A column whose lists are replaced by their largest numbers; None where a list has none."""
    if not any(isinstance(cell, list) for cell in cells):
        return name, cells
    numbers = [
        [item for item in cell if type(item) is not bool] if isinstance(cell, list) else [] for cell in cells
    ]
    return f"max {name}", [largest_number(cell) for cell in numbers]


def _is_numeric(cells: Iterable[Any]) -> bool:
    return all(
        isinstance(cell, int | float | SeedStatistics | None) and not isinstance(cell, bool) for cell in cells
    )


def _format(cell: Any, digits: int, scale: int) -> str:
    if cell is None:
        return "--"
    if isinstance(cell, SeedStatistics):
        low, high = cell.interval or (cell.mean, cell.mean)
        return _format_mean(cell.mean * scale, low * scale, high * scale, digits)
    if isinstance(cell, float):
        return _format_number(cell * scale, digits)
    return (
        f"${cell}$"
        if isinstance(cell, int) and not isinstance(cell, bool)
        else escape(" ".join(format_cell(cell).split()))
    )


def _format_number(number: float, digits: int) -> str:
    if not math.isfinite(number):
        return "--" if math.isnan(number) else rf"${'-' if number < 0 else ''}\infty$"
    if number == 0 or _LEAST_DECIMAL <= abs(number) < _MOST_DECIMAL:
        decimals = max(0, digits - 1 - _exponent(number))
        return f"${number:.{decimals}f}$"
    mantissa, _, power = f"{number:.{digits - 1}e}".partition("e")
    return rf"${mantissa} \times 10^{{{int(power)}}}$"


def _format_mean(mean: float, low: float, high: float, digits: int) -> str:
    """The mean to two digits of its uncertainty, and the distances to the ends of the interval."""
    below, above = mean - low, high - mean
    if max(below, above) <= 0:
        return _format_number(mean, digits)
    largest = max(abs(mean), below, above)
    power = 0 if _LEAST_DECIMAL <= largest < _MOST_DECIMAL else _exponent(largest)
    mean, below, above = (number / 10.0**power for number in (mean, below, above))
    decimals = max(0, 1 - _exponent(max(below, above)))
    texts = [f"{number:.{decimals}f}" for number in (mean, below, above)]
    spread = rf"\pm {texts[1]}" if texts[1] == texts[2] else f"^{{+{texts[2]}}}_{{-{texts[1]}}}"
    body = f"{texts[0]} {spread}" if spread.startswith("\\") else f"{texts[0]}{spread}"
    return f"${body}$" if power == 0 else rf"$({body}) \times 10^{{{power}}}$"


def _exponent(number: float) -> int:
    return math.floor(math.log10(abs(number))) if number else 0
