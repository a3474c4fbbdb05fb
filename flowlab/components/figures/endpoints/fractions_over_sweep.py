"""Shares of starts or sums against a swept parameter."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from attrs import frozen

from flowlab.api import (
    CLASSES,
    Context,
    FigureLook,
    NodeLabel,
    NodeSpec,
    Result,
    ValidationIssue,
    key_group,
    parameter,
    reference,
    with_look,
)
from flowlab.api.helpers.plotting import (
    CLASS_COLOURS,
    CLASS_MARKERS,
    INK,
    LINE_STYLES,
    add_legend,
    add_note,
    new_panels,
    series_style,
    set_categories,
)
from flowlab.api.helpers.swept_keys import (
    Shown,
    arrange_labels,
    check_keys,
    check_panels,
    labels_of,
    panel_title,
    swept_value,
)
from flowlab.components.figures.endpoints.shares import (
    ClassOrSumShares,
    MeanShare,
    Share,
    describe_points,
    mean_over_seeds,
    read_shares,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Of a panel, by line and the value that a line style stands for: the points by the value of the swept key.
Lines = dict[tuple[str, str], dict[Any, MeanShare]]


@frozen
class FractionsOverSweep:
    """The shares of starts or sums against a swept key, with intervals; one panel per flow or analysis.

    For class-fractions there is one line per class that occurs, for virtual-point-stability one per number of
    points in a sum, and for class-changes one per flow. Further swept keys make further panels, or line styles
    with `style`. Values that are no numbers stand side by side, without a line. With several seeds a point is the
    mean over seeds; the figure says in words what its bars are.
    """

    analysis: tuple[str, ...] = reference(
        "analysis",
        many=True,
        gather=True,
        seeds=True,
        help="of the kinds class-fractions, virtual-point-stability and class-changes, repeated by the sweep",
    )
    over: str = parameter(help="the swept key on the horizontal axis: the last part of its path, or the whole")
    linestyle: str | None = parameter(
        None, help="a swept key of at most four values to show by line styles (default: other keys make panels)"
    )
    look: FigureLook = key_group(FigureLook)

    @property
    def _keys(self) -> dict[str, str]:
        """The swept keys that are shown within a panel, by field."""
        return {"over": self.over} | ({} if self.linestyle is None else {"linestyle": self.linestyle})

    def check(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> Iterator[ValidationIssue]:
        """Check that the keys are swept, and that the others make no more panels than a page holds."""
        nodes = inputs.get("analysis", ())
        issues = list(check_keys(labels_of(nodes), self._keys))
        yield from issues
        if issues:
            return
        if self.linestyle is not None:
            shown = arrange_labels(labels_of(nodes), [self.linestyle])
            count = len({repr(value.values) for value in shown.values()})
            if count > len(LINE_STYLES):
                rule = f"{self.linestyle!r} has {count} values, and there are {len(LINE_STYLES)} line styles"
                yield ValidationIssue("linestyle", f"{rule}: leave it out, so that each value has a panel")
                return
        advice = "name one of them as linestyle, draw several figures, or use fractions-map"
        yield from check_panels("analysis", nodes, list(self._keys.values()), advice)

    @with_look
    def build(self, context: Context, *, analysis: Mapping[NodeLabel, ClassOrSumShares]) -> Result:
        """Draw the panels.

        Raises NodeError for an analysis that the sweep does not repeat.
        """
        shown = arrange_labels(analysis, list(self._keys.values()))
        panels = _collect_points(read_shares(analysis), shown)
        figure, axes = new_panels(
            list(panels),
            _count_columns(list(panels)),
            0.8,
            0.09,
            xlabel=self.over,
            ylabel="share (%)",
            size=self.look.size,
            sharey=True,
        )
        numeric = all(_is_number(key) for lines in panels.values() for points in lines.values() for key in points)
        styles = list(dict.fromkeys(style for lines in panels.values() for _, style in lines))
        for ax, lines in zip(axes, panels.values(), strict=True):
            _draw_lines(ax, lines, styles, numeric)
            ax.set(ylim=(-3, 103), yticks=range(0, 101, 25))
        _add_legends(figure, axes, self._style_names(shown))
        add_note(
            figure,
            describe_points(
                point for lines in panels.values() for points in lines.values() for point in points.values()
            ),
        )
        return Result(figure)

    def _style_names(self, shown: Mapping[NodeLabel, Shown]) -> list[str]:
        """What each line style stands for."""
        if self.linestyle is None:
            return []
        key = self.linestyle.rpartition(".")[2]
        values = {repr(value.values[1]): swept_value(value.values[1]) for value in shown.values()}
        return [f"{key} = {text}" for text in values.values()]


def _count_columns(titles: list[str]) -> int:
    """The panels in a row: one per flow or analysis, where the rows are the values of other keys."""
    names = list(dict.fromkeys(title.partition("\n")[0] for title in titles))
    settings = list(dict.fromkeys(title.partition("\n")[2] for title in titles))
    aligned = [f"{name}\n{setting}" for setting in settings for name in names]
    if 1 < len(names) <= 4 and titles == aligned:
        return len(names)
    return 2 if len(titles) == 4 else 3


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _collect_points(shares: list[Share], shown: Mapping[NodeLabel, Shown]) -> dict[str, Lines]:
    """The points of each line in each panel, by the panel's title; seeds together."""
    places: dict[str, dict[tuple[str, str], dict[Any, list[Share]]]] = {}
    for share in shares:
        place = shown[share.label]
        over, *style = place.values
        lines = places.setdefault(panel_title(share.panel, place.rest), {})
        points = lines.setdefault((share.line, repr(style[0]) if style else ""), {})
        points.setdefault(over if _is_number(over) else swept_value(over), []).append(share)
    return {
        title: {
            line: {value: mean_over_seeds(shares) for value, shares in points.items()}
            for line, points in lines.items()
        }
        for title, lines in places.items()
    }


def _draw_lines(ax: Axes, lines: Lines, styles: list[str], numeric: bool) -> None:
    """Draw a line per share and style: joined over numbers, side by side over values that are none."""
    names = list(dict.fromkeys(name for name, _ in lines))
    values = list(dict.fromkeys(value for points in lines.values() for value in points))
    for index, ((name, style), points) in enumerate(lines.items()):
        if name in CLASSES and not any(point.share for point in points.values()):
            continue
        look: dict[str, Any] = series_style(names.index(name))
        if name in CLASSES:
            look = {"color": CLASS_COLOURS[name], "marker": CLASS_MARKERS[name]}
        dashes, fill = LINE_STYLES[styles.index(style)]
        order = sorted(points) if numeric else list(points)
        shift = 0.0 if numeric else 0.6 * ((index + 0.5) / len(lines) - 0.5)
        ax.errorbar(
            order if numeric else [values.index(value) + shift for value in order],
            [100 * points[value].share for value in order],
            list(zip(*(points[value].bars for value in order), strict=True)),
            label=name,
            ls=dashes if numeric else "",
            fillstyle=fill,
            lw=0.8,
            elinewidth=0.7,
            capsize=1.5,
            **look,
        )
    if not numeric:
        set_categories(ax, values)


def _add_legends(figure: Figure, panels: list[Axes], styles: list[str]) -> None:
    """Draw one legend for all panels of the first panel's type, and one in each panel of another type."""
    from matplotlib.lines import Line2D

    shared: dict[str, Any] = {}
    of_classes = None
    for ax in panels:
        named = dict(reversed(pair) for pair in zip(*ax.get_legend_handles_labels(), strict=True))
        kind = named.keys() <= set(CLASSES)
        of_classes = kind if of_classes is None else of_classes
        if kind is of_classes:
            shared = named | shared
        else:
            ax.legend(loc="best", handlelength=1.4)
    names = [name for name in CLASSES if name in shared] if of_classes else list(shared)
    handles = [
        Line2D(
            [], [], color=line.get_color(), marker=line.get_marker(), ls=line.get_linestyle() if not styles else ""
        )
        for line in (shared[name].lines[0] for name in names)
    ]
    for (dashes, fill), style in zip(LINE_STYLES, styles, strict=False):
        handles.append(Line2D([], [], color=INK, ls=dashes, marker="o", fillstyle=fill, label=style))
    add_legend(figure, handles, names + styles)
