"""Shares of the classes as the data grow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from attrs import frozen

from flowlab.api import CLASSES, Classes, Context, Result, parameter, reference
from flowlab.api.plotting import CLASS_COLOURS, CLASS_MARKERS, house_style, new_panels

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_AXES = {"points": "training points $N$", "samples": "noisy samples a point $M$", "dimension": "dimension $d$"}

# class -> (place on the axis, count, total), one a setting
Series = dict[str, list[tuple[int, int, int]]]


@frozen
class ClassTrend:
    """Share of each class against the size of the data, a panel a flow.

    A swept classifier comes with all its settings. Intervals are exact at 95% (Clopper-Pearson).
    """

    classifier: tuple[str, ...] = reference(
        "classifier", help="whose flows are shown, swept", many=True, gather=True
    )
    against: Literal["points", "samples", "dimension"] = parameter("points", help="what varies")
    columns: int = parameter(2, help="panels in a row", ge=1, le=4)

    @house_style()
    def build(self, context: Context, *, classifier: Mapping[str, Classes]) -> Result:
        """Draw a panel a flow."""
        panels = self._series(classifier)
        figure, axes = new_panels(
            list(panels), self.columns, 0.45, 0.1, xlabel=_AXES[self.against], ylabel="share of starts (%)",
            sharex=True, sharey=True,
        )  # fmt: skip
        for ax, series in zip(axes, panels.values(), strict=True):
            _panel(ax, series)
        handles, names = axes[0].get_legend_handles_labels()
        figure.legend(handles, names, loc="outside upper center", ncols=len(CLASSES))
        return Result(figure)

    def _series(self, classifier: Mapping[str, Classes]) -> dict[str, Series]:
        panels: dict[str, Series] = {}
        for classes in classifier.values():
            for name, flow in classes.flows.items():
                training = flow.bank.training
                count, dimension = training.geometry.points.shape
                place = {"points": count, "samples": training.samples, "dimension": dimension}[self.against]
                counts = classes.counts(name)
                series = panels.setdefault(name, {each: [] for each in CLASSES})
                for each, count_of in counts.items():
                    series[each].append((place, count_of, sum(counts.values())))
        return panels


def _panel(ax: Axes, series: Series) -> None:
    from flowlab.theory.intervals import clopper_pearson

    for name, rows in series.items():
        rows.sort()
        share = [100 * count / total for _, count, total in rows]
        ends = [clopper_pearson(count, total) for _, count, total in rows]
        below = [max(0.0, at - 100 * low) for at, (low, _) in zip(share, ends, strict=True)]
        above = [max(0.0, 100 * high - at) for at, (_, high) in zip(share, ends, strict=True)]
        ax.errorbar(
            [place for place, *_ in rows], share, [below, above], label=name, capsize=2, elinewidth=0.9,
            color=CLASS_COLOURS[name], marker=CLASS_MARKERS[name],
        )  # fmt: skip
    places = sorted({place for rows in series.values() for place, *_ in rows})
    ax.set(xscale="log", ylim=(-3, 103), yticks=range(0, 101, 25))
    ax.set_xticks(places, [str(place) for place in places])
    ax.set_xticks([], minor=True)
    ax.spines["left"].set_bounds(0, 100)
