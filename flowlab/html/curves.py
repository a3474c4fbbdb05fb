"""Where the flows of several runs end, as curves over what was swept, or over the runs themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from attrs import evolve, frozen

from flowlab.api import CLASSES
from flowlab.api.helpers.plotting import CLASS_COLOURS, CLASS_MARKERS, house_style, new_panels
from flowlab.html.templating import to_data_url
from flowlab.output.figures import figure_bytes
from flowlab.output.seed_statistics import SeedStatistics
from flowlab.output.swept_columns import setting_text, union_paths
from flowlab.provenance.summary import RunSummary

_MAX_PANELS = 12
_STYLES = ("-", "--", ":", "-.")


@frozen
class FlowShares:
    """The ends of one flow in one run at one setting: shares by class over seeds, and the swept values."""

    run: str
    panel: str
    shares: Mapping[str, SeedStatistics]
    swept: Mapping[str, Any]


def plot_curves(runs: Mapping[str, RunSummary]) -> str | None:
    """The picture as a URL that holds it: a panel a classifier and flow; None where no flow was classified."""
    points = [shares for name, run in runs.items() for shares in _shares(name, run)]
    if not points:
        return None
    figure = _drawn(points, list(runs))
    return to_data_url(figure_bytes(figure, "svg"), figure_bytes(figure, "png"))


def _shares(name: str, run: RunSummary) -> Iterator[FlowShares]:
    """What the summary says of every classifier's flows, seeds together."""
    for ends in run.ends:
        yield FlowShares(name, f"{ends.classifier}: {ends.flow}", ends.statistics, ends.setting)


@house_style()
def _drawn(points: list[FlowShares], runs: list[str]) -> Any:
    from matplotlib.lines import Line2D

    key = _axis(points)
    points = list(_in_panels(points, key))
    titles = list(dict.fromkeys(shares.panel for shares in points))[:_MAX_PANELS]
    figure, axes = new_panels(titles, 2, 0.62, 0.08, xlabel=key or "run", ylabel="%", sharey=True)
    for ax, title in zip(axes, titles, strict=True):
        in_panel = [shares for shares in points if shares.panel == title]
        if key:
            for style, run in zip(_cycled(len(runs)), runs, strict=True):
                swept = [shares for shares in in_panel if shares.run == run]
                swept.sort(key=lambda shares: shares.swept[key])
                _lines(ax, [shares.swept[key] for shares in swept], swept, style)
        else:
            _lines(ax, [runs.index(shares.run) for shares in in_panel], in_panel, "")
            ax.set_xticks(range(len(runs)), runs)
            ax.set_xlim(-0.5, len(runs) - 0.5)
        ax.set_ylim(-4, 104)
    handles = [
        Line2D([], [], ls="", color=CLASS_COLOURS[name], marker=CLASS_MARKERS[name], label=name)
        for name in CLASSES
    ]
    if key:
        handles += [
            Line2D([], [], color="black", ls=style, label=run)
            for style, run in zip(_cycled(len(runs)), runs, strict=True)
        ]
    figure.legend(handles=handles, loc="outside lower center", ncols=5)
    return figure


def _axis(points: list[FlowShares]) -> str | None:
    """The first number that takes several values in every panel's runs, if one does."""
    keys = dict.fromkeys(key for shares in points for key in shares.swept)
    for key in keys:
        values = [shares.swept.get(key) for shares in points]
        if all(type(value) in (int, float) for value in values) and len(set(values)) > 1:
            return key
    return None


def _in_panels(points: list[FlowShares], key: str | None) -> Iterator[FlowShares]:
    """The points with all that differs, the axis and the run apart, in the titles of their panels."""
    others = [{path: value for path, value in point.swept.items() if path != key} for point in points]
    varied = {path for path in union_paths(others) if len({repr(other.get(path)) for other in others}) > 1}
    for point, other in zip(points, others, strict=True):
        setting = setting_text({path: value for path, value in other.items() if path in varied})
        yield evolve(point, panel=f"{point.panel}, {setting}" if setting else point.panel)


def _lines(ax: Any, places: list[float], shares: list[FlowShares], style: str) -> None:
    """A line a class with the band of its 95 % interval; without a style, markers with bars."""
    if not shares:
        return
    for name in CLASSES:
        statistics = [point.shares[name] for point in shares]
        if not any(share.mean for share in statistics):
            continue
        middle = [100 * share.mean for share in statistics]
        low, high = ([100 * (share.interval or (0, 1))[side] for share in statistics] for side in (0, 1))
        look = {"color": CLASS_COLOURS[name], "marker": CLASS_MARKERS[name]}
        if style:
            ax.plot(places, middle, ls=style, **look)
            ax.fill_between(places, low, high, color=CLASS_COLOURS[name], alpha=0.15, lw=0)
        else:
            off = [
                [m - a for m, a in zip(middle, low, strict=True)],
                [b - m for m, b in zip(middle, high, strict=True)],
            ]
            shifted = [place + 0.08 * (CLASSES.index(name) - 2) for place in places]
            ax.errorbar(shifted, middle, off, ls="", capsize=2, elinewidth=0.9, **look)


def _cycled(count: int) -> list[str]:
    return [_STYLES[index % len(_STYLES)] for index in range(count)]
