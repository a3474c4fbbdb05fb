"""The shares of the classes as bars."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from attrs import frozen

from flowlab.api import (
    CLASSES,
    Classes,
    Context,
    FigureLook,
    Result,
    key_group,
    reference,
    with_look,
)
from flowlab.api.helpers.plotting import CLASS_COLOURS, WIDTHS, new_figure, readable_on

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Width of a digit as a share of the bar.
_DIGIT = 0.024


@frozen
class ClassBars:
    """The share of starts of each flow that end in each class: one stacked bar per flow, with counts."""

    classifier: tuple[str, ...] = reference("classifier", help="classified flows to compare", many=True)
    look: FigureLook = key_group(FigureLook)

    @with_look
    def build(self, context: Context, *, classifier: Mapping[str, Classes]) -> Result:
        """Draw one bar per flow, grouped by classifier."""
        from matplotlib.patches import Patch

        bars = _bars(classifier)
        inches = 0.24 * (bars[-1].place + 1) + 0.75
        figure, axes = new_figure("single", inches / WIDTHS["single"])
        ax = axes[0, 0]
        for bar in bars:
            bar.draw(ax)
        ax.set_yticks([bar.place for bar in bars], [bar.name for bar in bars])
        ax.set(xlim=(0, 1), ylim=(bars[-1].place + 0.6, -0.6), xlabel="share of starts")
        ax.xaxis.set_major_formatter(lambda share, _: f"{100 * share:.0f}%")
        ax.spines["left"].set_visible(False)
        ax.tick_params(axis="y", length=0)
        figure.legend(
            handles=[Patch(color=colour, label=name) for name, colour in CLASS_COLOURS.items()],
            loc="outside upper center",
            ncols=len(CLASSES),
            handlelength=0.9,
            handleheight=0.9,
            columnspacing=0.9,
        )
        return Result(figure)


@frozen
class _Bar:
    name: str
    place: float
    counts: Mapping[str, int]

    def draw(self, ax: Axes) -> None:
        """Draw the segments from the left, each with its count where it is wide enough."""
        total, left = max(1, sum(self.counts.values())), 0.0
        for name, count in self.counts.items():
            if not count:
                continue
            share, colour = count / total, CLASS_COLOURS[name]
            ax.barh(self.place, share, left=left, height=0.78, color=colour, ec="white", lw=0.5)
            # the width of one more digit keeps the count away from the edges
            if share > _DIGIT * (len(str(count)) + 1):
                ax.text(
                    left + share / 2,
                    self.place,
                    str(count),
                    color=readable_on(colour),
                    ha="center",
                    va="center_baseline",
                    fontsize=6.5,
                )
            left += share


def _bars(classifiers: Mapping[str, Classes]) -> list[_Bar]:
    bars: list[_Bar] = []
    for group, (label, classes) in enumerate(classifiers.items()):
        for flow in classes.flows:
            name = flow if len(classifiers) == 1 else f"{label}: {flow}"
            # half a bar's gap between classifiers
            bars.append(_Bar(name, len(bars) + group / 2, classes.counts(flow)))
    return bars
