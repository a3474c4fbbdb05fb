"""The number of stable points of denoisers at each noise level."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from attrs import frozen

from flowlab.api import (
    Context,
    FigureLook,
    FixedPointCounts,
    Result,
    key_group,
    reference,
    with_look,
)
from flowlab.api.helpers.plotting import FAINT, new_figure, series_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@frozen
class FixedPoints:
    """The stable fixed points against the noise level, one series per analysis; a cross if some are no sums."""

    analysis: tuple[str, ...] = reference("analysis", help="of the kind fixed-points, a series each", many=True)
    look: FigureLook = key_group(FigureLook)

    @with_look
    def build(self, context: Context, *, analysis: Mapping[str, FixedPointCounts]) -> Result:
        """Draw one panel."""
        figure, axes = new_figure("single", 0.72)
        ax = axes[0, 0]
        for k, (label, table) in enumerate(analysis.items()):
            rows: list[dict[str, Any]] = sorted(table.rows, key=lambda row: float(row["sigma"] or 0))
            sigma, stable = ([row[key] for row in rows] for key in ("sigma", "stable"))
            ax.plot(sigma, stable, label=label, **series_style(k))
            others = [row for row in rows if row["other"]]
            ax.plot([row["sigma"] for row in others], [row["stable"] for row in others], "kx", ms=6, mew=1)
        ax.set(xlabel=r"noise level $\sigma$", ylabel="stable fixed points", xscale="log")
        ax.set_ylim(0, 1.12 * ax.get_ylim()[1])
        sums = {count for table in analysis.values() for count in table.columns["sums"]}
        if len(sums) == 1:
            _all_sums(ax, sums.pop())
        figure.legend(loc="outside upper center", ncols=min(3, len(analysis)), handlelength=1.4)
        return Result(figure)


def _all_sums(ax: Axes, count: Any) -> None:
    """Draw a line at the number of subset sums."""
    ax.axhline(count, color=FAINT, lw=0.6, ls=(0, (4, 2)), zorder=0)
    ax.annotate(
        "all subset sums",
        (1, count),
        xycoords=("axes fraction", "data"),
        xytext=(0, 2),
        textcoords="offset points",
        ha="right",
        va="bottom",
        fontsize=6,
        color=FAINT,
    )
