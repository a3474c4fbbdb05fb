"""Shares of starts or sums against a swept parameter."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal

from attrs import frozen

from flowlab.api import (
    CLASSES,
    ChangedShares,
    Context,
    EndShares,
    NodeError,
    Result,
    StableShares,
    parameter,
    reference,
)
from flowlab.api.helpers.labels import swept_number, without_seed, without_setting
from flowlab.api.helpers.plotting import CLASS_COLOURS, CLASS_MARKERS, house_style, new_figure, series_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Shares = EndShares | ChangedShares | StableShares
# For each panel and line: the swept number, the share and the ends of its interval.
Points = list[tuple[float, float, float, float]]
Panels = dict[str, dict[str, Points]]


@frozen
class FractionsOverSweep:
    """The shares of starts or sums against a swept parameter, with intervals; one panel per flow or analysis.

    For class-fractions there is one line per class that occurs, for virtual-point-stability one per number of
    points in a sum, and for class-changes one per flow. With several seeds the line is the mean, and the bars go
    from the least to the largest share.
    """

    analysis: tuple[str, ...] = reference(
        "analysis",
        many=True,
        gather=True,
        seeds=True,
        help="of the kinds class-fractions, virtual-point-stability and class-changes, repeated by the sweep",
    )
    over: str = parameter(help="the swept key, the last part of its path")
    scale: Literal["linear", "log"] = parameter(
        "linear", help="scale of the swept parameter (log: with zero at the left end)"
    )
    axis: str | None = parameter(None, help="name of the swept parameter on the axis (default: the key)")

    @house_style()
    def build(self, context: Context, *, analysis: Mapping[str, Shares]) -> Result:
        """Draw the panels.

        Raises NodeError for an analysis that the sweep does not repeat.
        """
        panels: Panels = {}
        for label, value in analysis.items():
            name, number = swept_number(without_seed(label)[0], self.over)
            for panel, line, share, low, high in _shares(name, value):
                panels.setdefault(panel, {}).setdefault(line, []).append((number, share, low, high))
        panels = {
            panel: {name: _merge_points(line) for name, line in lines.items()} for panel, lines in panels.items()
        }
        across = 2 if len(panels) == 4 else min(3, len(panels))
        down = math.ceil(len(panels) / across)
        figure, axes = new_figure(
            "single" if across == 1 else "double",
            (0.72, 0.46, 0.36)[across - 1] * down,
            rows=down,
            columns=across,
            sharey=True,
        )
        for ax, (title, lines) in zip(axes.flat, panels.items(), strict=False):
            _draw(ax, lines)
            ax.set_title(title, loc="left")
            ax.set(ylim=(-3, 103), yticks=range(0, 101, 25), xlabel=self.axis or self.over)
            if self.scale == "log":
                _logarithmic(ax, sorted({point[0] for points in lines.values() for point in points}))
        for ax in list(axes.flat)[len(panels) :]:
            ax.set_visible(False)
        for ax in axes[:, 0]:
            ax.set_ylabel("share (%)")
        _legends(figure, list(axes.flat[: len(panels)]))
        return Result(figure)


def _shares(name: str, value: Shares) -> Iterator[tuple[str, str, float, float, float]]:
    """The panel, line, share and interval of each share in the value of an analysis; sums have no interval."""
    for row in value.rows:
        match value:
            case EndShares():
                yield without_setting(row["flow"]), row["class"], row["fraction"], row["low"], row["high"]
            case ChangedShares():
                yield name, f"{without_setting(row['flow'])} changed", row["share"], row["low"], row["high"]
            case StableShares():
                yield name, f"stable sums of {row['order']}", row["share"], row["share"], row["share"]


def _merge_points(points: Points) -> Points:
    """One point per swept number, in order: a single point, or the mean of several with the least and largest."""
    merged: Points = []
    for number, group in itertools.groupby(sorted(points), key=lambda point: point[0]):
        same_number = list(group)
        shares = [share for _, share, _, _ in same_number]
        mean = math.fsum(shares) / len(shares)
        merged.append(same_number[0] if len(same_number) == 1 else (number, mean, min(shares), max(shares)))
    return merged


def _draw(ax: Axes, lines: Mapping[str, Points]) -> None:
    for k, (line, points) in enumerate(lines.items()):
        number, share, low, high = (list(column) for column in zip(*points, strict=True))
        if line in CLASSES and not any(share):
            continue
        style = (
            {"color": CLASS_COLOURS[line], "marker": CLASS_MARKERS[line]} if line in CLASSES else series_style(k)
        )
        centre = [100 * value for value in share]
        # rounding may put an end of the interval on the wrong side of the share
        below = [max(0.0, 100 * (s - end)) for s, end in zip(share, low, strict=True)]
        above = [max(0.0, 100 * (end - s)) for s, end in zip(share, high, strict=True)]
        ax.errorbar(number, centre, [below, above], lw=0.8, elinewidth=0.7, capsize=1.5, label=line, **style)


def _legends(figure: Figure, panels: list[Axes]) -> None:
    """Draw one legend for all panels of the first panel's type, and one in each panel of another type."""
    shared: dict[str, Any] = {}
    of_classes = None
    for ax in panels:
        lines = dict(zip(*reversed(ax.get_legend_handles_labels()), strict=True))
        kind = lines.keys() <= set(CLASSES)
        of_classes = kind if of_classes is None else of_classes
        if kind is of_classes:
            shared |= lines
        else:
            ax.legend(loc="best", handlelength=1.4)
    names = [name for name in CLASSES if name in shared] if of_classes else list(shared)
    figure.legend([shared[name] for name in names], names, loc="outside upper center", ncols=min(len(names), 5))


def _logarithmic(ax: Axes, numbers: list[float]) -> None:
    """Make the axis logarithmic, with ticks at the swept numbers; zero is below the least positive number.

    Raises NodeError where a number is negative, or none is positive.
    """
    positive = [number for number in numbers if number > 0]
    if numbers[0] < 0 or not positive:
        raise NodeError("a logarithmic scale takes numbers above zero")
    if numbers[0] == 0:
        ax.set_xscale("symlog", linthresh=positive[0], linscale=0.5)
    else:
        ax.set_xscale("log")
    ax.set_xticks(numbers, [f"{number:g}" for number in numbers])
    ax.set_xticks([], minor=True)
