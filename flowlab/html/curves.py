"""Where the flows of several runs end, as curves over what was swept, or over the runs themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from attrs import frozen

from flowlab.api import CLASSES
from flowlab.api.helpers.labels import without_setting
from flowlab.api.helpers.plotting import CLASS_COLOURS, CLASS_MARKERS, house_style, new_panels
from flowlab.api.result import Cell
from flowlab.html.templating import to_data_url
from flowlab.output.figures import figure_bytes
from flowlab.provenance.summary import RunSummary

_STYLES = ("-", "--", ":", "-.")


@frozen
class FlowShares:
    """The ends of one flow in one run at one setting: counts by class, and the numbers that were swept."""

    run: str
    panel: str
    counts: Mapping[str, int]
    swept: Mapping[str, float]


def plot_curves(runs: Mapping[str, RunSummary]) -> str | None:
    """The picture as a URL that holds it: a panel a classifier and flow; None where no flow was classified."""
    points = [shares for name, run in runs.items() for shares in _shares(name, run)]
    if not points:
        return None
    figure = _drawn(points, list(runs))
    return to_data_url(figure_bytes(figure, "svg"), figure_bytes(figure, "png"))


def _shares(name: str, run: RunSummary) -> Iterator[FlowShares]:
    """What the summary says of every classifier's flows."""
    for label, node in run.of_kind("classifier").items():
        swept = {key: value for key, value in node.variant.items() if type(value) in (int, float)}
        for flow, counts in _counts(node.cells).items():
            yield FlowShares(name, f"{without_setting(label)}: {without_setting(flow)}", counts, swept)


def _counts(metrics: Mapping[str, Cell]) -> dict[str, dict[str, int]]:
    """Those of the metrics that are counts of all classes, by flow."""
    counts_by_flow: dict[str, dict[str, int]] = {}
    for name, value in metrics.items():
        flow, _, end = name.rpartition(".")
        if end in CLASSES and type(value) is int:
            counts_by_flow.setdefault(flow, {})[end] = value
    return {flow: counts for flow, counts in counts_by_flow.items() if len(counts) == len(CLASSES)}


@house_style()
def _drawn(points: list[FlowShares], runs: list[str]) -> Any:
    from matplotlib.lines import Line2D

    titles = list(dict.fromkeys(shares.panel for shares in points))
    key = _axis(points)
    figure, axes = new_panels(titles, 2, 0.62, 0.08, xlabel=key or "run", ylabel="%", sharey=True)
    for ax, title in zip(axes, titles, strict=True):
        in_panel = [shares for shares in points if shares.panel == title]
        if key:
            for style, run in zip(_cycled(len(runs)), runs, strict=True):
                for swept in _apart([shares for shares in in_panel if shares.run == run], key):
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
        values = {shares.swept.get(key) for shares in points}
        if None not in values and len(values) > 1:
            return key
    return None


def _apart(shares: list[FlowShares], key: str) -> Iterator[list[FlowShares]]:
    """Those that differ in the key alone, in its order."""
    groups: dict[tuple[tuple[str, float], ...], list[FlowShares]] = {}
    for point in shares:
        others = tuple((name, value) for name, value in point.swept.items() if name != key)
        groups.setdefault(others, []).append(point)
    for group in groups.values():
        yield sorted(group, key=lambda point: point.swept[key])


def _lines(ax: Any, places: list[float], shares: list[FlowShares], style: str) -> None:
    """A line a class with its 95 % Clopper-Pearson band; without a style, markers with bars."""
    from flowlab.theory.statistics.intervals import clopper_pearson

    if not shares:
        return
    for name in CLASSES:
        counts = [(point.counts[name], sum(point.counts.values())) for point in shares]
        if not any(count for count, _ in counts):
            continue
        middle = [100 * count / max(total, 1) for count, total in counts]
        ends = [clopper_pearson(*pair) for pair in counts]
        low, high = ([100 * end[side] for end in ends] for side in (0, 1))
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
