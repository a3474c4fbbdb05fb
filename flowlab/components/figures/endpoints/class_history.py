"""The classes of the states of a flow, from its start to its end."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from attrs import frozen

from flowlab.api import (
    CLASSES,
    ClassesOverTime,
    Context,
    FigureLook,
    Result,
    key_group,
    reference,
    with_look,
)
from flowlab.api.helpers.plotting import CLASS_COLOURS, WIDTHS, Width, fit_columns, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# A score flow moves points in a time of about 1, so little happens before this time.
_EARLY = 0.1


@frozen
class ClassHistory:
    """The shares of the classes along each flow as stacked areas, one panel per flow, with the end on the right.

    The horizontal axis is the falling noise level for probability flow and the time r for score flow, both
    logarithmic.
    """

    analysis: str = reference("analysis", help="of the kind class-history")
    look: FigureLook = key_group(FigureLook)

    @with_look
    def build(self, context: Context, *, analysis: ClassesOverTime) -> Result:
        """Draw the panels."""
        from matplotlib.patches import Patch

        flows: dict[str, list[dict[str, Any]]] = {}
        for row in (row for row in analysis.rows if math.isfinite(row["time"])):
            flows.setdefault(str(row["flow"]), []).append(row)
        across = min(fit_columns(3, self.look.size, 1.6), len(flows))
        down = -(-len(flows) // across)
        width: Width = "single" if across == 1 else "double"
        inches = down * (0.62 * WIDTHS[width] / across + 0.3) + 0.3
        figure, axes = new_figure(width, inches / WIDTHS[width], rows=down, columns=across, sharey=True)
        for ax, (name, rows) in zip(axes.flat, flows.items(), strict=False):
            _panel(ax, rows)
            ax.set_title(f"{name} ({rows[0]['kind']} flow)")
        for ax in list(axes.flat)[len(flows) :]:
            ax.set_visible(False)
        for ax in axes[:, 0]:
            ax.set_ylabel("share of starts (%)")
        figure.legend(
            handles=[Patch(color=CLASS_COLOURS[name], label=name) for name in CLASSES],
            loc="outside upper center",
            ncols=len(CLASSES) if width == "double" else 3,
            handlelength=0.9,
            handleheight=0.9,
        )
        return Result(figure)


def _panel(ax: Axes, rows: list[dict[str, Any]]) -> None:
    time = [row["time"] for row in rows]
    shares = [[100 * row[name] for row in rows] for name in CLASSES]
    ax.stackplot(time, shares, colors=[CLASS_COLOURS[name] for name in CLASSES], lw=0)
    ax.set_ylim(0, 100)
    first, name = _EARLY, "time $r$"
    if rows[0]["kind"] == "probability":
        first, name = min(value for value in time if value > 0), r"noise level $\sigma$"
    # logarithmic except at the zero at one end of the axis
    ax.set_xscale("symlog", linthresh=first, linscale=0.7)
    ax.set(xlim=(time[0], time[-1]), xlabel=name)
