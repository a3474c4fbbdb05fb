"""The shares of the classes against the threshold, as curves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import frozen

from flowlab.api import (
    CLASSES,
    ClassesByThreshold,
    Context,
    FigureLook,
    Result,
    key_group,
    parameter,
    reference,
    with_look,
)
from flowlab.api.helpers.plotting import CLASS_COLOURS, FAINT, INK, new_panels

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_NORMS: dict[str, dict[str, Any]] = {
    "linf": {"ls": "-", "label": "L-infinity"},
    "l2": {"ls": (0, (4, 1.5)), "label": "L2"},
}


@frozen
class ThresholdCurves:
    """The share of each class against the threshold, in both norms (L2 dashed), one panel per flow."""

    analysis: str = reference("analysis", help="of the kind threshold-sensitivity")
    marks: tuple[float, ...] = parameter((0.2,), help="thresholds to mark", unit="shortest lengths", gt=0)
    columns: int = parameter(2, help="panels in a row", ge=1, le=4)
    look: FigureLook = key_group(FigureLook)

    @with_look
    def build(self, context: Context, *, analysis: ClassesByThreshold) -> Result:
        """Draw one panel per flow."""
        from matplotlib.lines import Line2D

        flows = [str(flow) for flow in dict.fromkeys(analysis.columns["flow"])]
        figure, axes = new_panels(
            flows, self.columns, 0.45, 0.1, xlabel="threshold", ylabel="share of starts (%)",
            size=self.look.size, sharex=True, sharey=True,
        )  # fmt: skip
        for ax, flow in zip(axes, flows, strict=True):
            for mark in self.marks:
                ax.axvline(mark, color=FAINT, lw=0.5, zorder=0)
            _curves(ax, [row for row in analysis.rows if row["flow"] == flow])
        handles = [Line2D([], [], color=colour, label=name) for name, colour in CLASS_COLOURS.items()]
        handles += [Line2D([], [], color=INK, **look) for look in _NORMS.values()]
        figure.legend(handles=handles, loc="outside upper center", ncols=len(handles) if len(axes) > 1 else 4)
        return Result(figure)


def _curves(ax: Axes, rows: list[dict[str, Any]]) -> None:
    for norm, look in _NORMS.items():
        series = sorted((row for row in rows if row["metric"] == norm), key=lambda row: row["threshold"])
        for name in CLASSES:
            share = [100 * row[name] / sum(row[each] for each in CLASSES) for row in series]
            ax.plot([row["threshold"] for row in series], share, color=CLASS_COLOURS[name], ls=look["ls"])
    ax.set(ylim=(-3, 103), yticks=range(0, 101, 25))
    ax.spines["left"].set_bounds(0, 100)
