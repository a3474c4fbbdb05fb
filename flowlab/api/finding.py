"""What became of a claim: the paper's figure, ours and the closed form's, side by side."""

from __future__ import annotations

from attrs import frozen


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
        """Figures in text; a dash where there are none."""
        if not figures:
            return "-"
        if self.percent:
            return ", ".join(f"{100 * figure:.4g}" for figure in figures) + " %"
        return ", ".join(f"{figure:.4g}" for figure in figures)
