"""What became of a claim: the paper's figure, ours and the closed form's, side by side."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Literal

from attrs import frozen

Verdict = Literal["holds", "fails", "undecided"]
_MOST = 7  # figures in a table's cell


@frozen
class ClaimResult:
    """A claim's row. Figures are means over seeds, in a sweep's order; beside each are both ends of its interval.

    The interval is the 95 % one of the mean over seeds; of one seed there is none. `by_seed` are our figures, a
    row a seed. The verdict is None where a figure isn't known; `reason` says in words what it rests on. `percent`:
    figures are shares, to be shown in percent.
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
        """Over how many seeds it is judged; one is no statistics."""
        return len(self.by_seed)

    @property
    def our_figures(self) -> str:
        """Ours in text."""
        return self.shown(*self.ours, intervals=self.ours_intervals)

    @property
    def theory_figures(self) -> str:
        """The closed form's in text."""
        return self.shown(*self.theory, intervals=self.theory_intervals)

    def shown(self, *figures: float, intervals: Sequence[tuple[float, float]] = ()) -> str:
        """Figures in text: repeated ones once with their number, of many the ends; a dash where there are none."""
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
        # as many digits as tell two of the longer half
        half = f"{unit * max(high - figure, figure - low):.2g}"
        _, _, digits = half.partition(".")
        form = ".4g" if "e" in half else f".{len(digits)}f"
        one, least, most = (format(unit * value, form) for value in (figure, low, high))
        return f"{one} [{least}, {most}]"
