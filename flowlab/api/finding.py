"""What became of a claim: the paper's figure, ours and the closed form's, side by side."""

from __future__ import annotations

import itertools
import math

from attrs import frozen

_MOST = 7  # figures in a table's cell


@frozen
class Finding:
    """A claim's row. Figures are in a sweep's order; `holds` is None where there were none to judge.

    `percent`: figures are shares, to be shown in percent.
    """

    claim: str
    source: str
    rule: str = ""
    paper: str | None = None
    ours: tuple[float, ...] = ()
    theory: tuple[float, ...] = ()
    holds: bool | None = None
    percent: bool = False

    def shown(self, *figures: float) -> str:
        """Figures in text: repeated ones once with their number, of many the ends; a dash where there are none."""
        if not figures:
            return "-"
        texts = ("-" if math.isnan(each) else f"{100 * each if self.percent else each:.4g}" for each in figures)
        runs = ((text, len(list(run))) for text, run in itertools.groupby(texts))
        parts = [part for text, n in runs for part in ([f"{text} ({n} times)"] if n > 2 else [text] * n)]
        if len(parts) > _MOST:
            parts = [*parts[: _MOST - 2], "...", parts[-1]]
        return ", ".join(parts) + (" %" if self.percent else "")
