"""The result of a claim: the paper's number, ours and the closed form's, side by side."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Literal

from attrs import frozen

Verdict = Literal["holds", "fails", "undecided"]
_MOST = 7  # numbers in a cell of a table


@frozen
class ClaimResult:
    """The row of a claim in the table of claims.

    Numbers are means over seeds, in the order of a sweep, each with the two ends of its 95 % interval; with one
    seed there is no interval. `by_seed` has our numbers, one row per seed. The verdict is None where a number is
    not known; `reason` says in words why. With `percent` the numbers are shares, shown in percent.
    """

    claim: str
    source: str
    rule: str = ""
    paper: str | None = None
    ours: tuple[float, ...] = ()
    ours_intervals: tuple[tuple[float, float], ...] = ()
    theory: tuple[float, ...] = ()
    theory_intervals: tuple[tuple[float, float], ...] = ()
    verdict: Verdict | None = None
    reason: str = ""
    by_seed: tuple[tuple[float, ...], ...] = ()
    percent: bool = False

    @property
    def seeds(self) -> int:
        """The number of seeds; a single seed is no statistics."""
        return len(self.by_seed)

    @property
    def our_figures(self) -> str:
        """Our numbers with their intervals, as text."""
        return self.format_numbers(*self.ours, intervals=self.ours_intervals)

    @property
    def theory_figures(self) -> str:
        """The closed form's numbers with their intervals, as text."""
        return self.format_numbers(*self.theory, intervals=self.theory_intervals)

    def format_numbers(self, *figures: float, intervals: Sequence[tuple[float, float]] = ()) -> str:
        """Numbers with their intervals as text.

        Three or more equal numbers in a row are written once with their count, long lists are shortened in the
        middle, and no numbers are a dash.
        """
        if not figures:
            return "-"
        texts = itertools.starmap(self._number, itertools.zip_longest(figures, intervals))
        runs = ((text, len(list(run))) for text, run in itertools.groupby(texts))
        parts = [part for text, n in runs for part in ([f"{text} ({n} times)"] if n > 2 else [text] * n)]
        if len(parts) > _MOST:
            parts = [*parts[: _MOST - 2], "...", parts[-1]]
        return ", ".join(parts) + (" %" if self.percent else "")

    def _number(self, figure: float, interval: tuple[float, float] | None) -> str:
        unit = 100 if self.percent else 1
        if math.isnan(figure):
            return "-"
        low, high = interval or (figure, figure)
        if not low < high:
            return f"{unit * figure:.4g}"
        # as many decimals as two significant digits of the longer half of the interval need
        half = f"{unit * max(high - figure, figure - low):.2g}"
        _, _, decimals = half.partition(".")
        form = ".4g" if "e" in half else f".{len(decimals)}f"
        mean, least, most = (format(unit * value, form) for value in (figure, low, high))
        return f"{mean} [{least}, {most}]"
