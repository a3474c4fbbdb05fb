"""The shares of the classes against the final time or the number of points, beside their predictions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal

from attrs import frozen

from flowlab.api import (
    CLASSES,
    Context,
    EndShares,
    FigureLook,
    FlowSpec,
    NodeError,
    NodeLabel,
    NodeSpec,
    Result,
    ValidationIssue,
    key_group,
    parameter,
    reference,
    with_look,
)
from flowlab.api.helpers.plotting import CLASS_COLOURS, CLASS_MARKERS, add_legend, add_note, new_panels
from flowlab.api.helpers.swept_keys import check_free_panels, panel_title, remaining_labels
from flowlab.components.figures.endpoints.shares import (
    MeanShare,
    Share,
    describe_points,
    mean_over_seeds,
    read_shares,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_NAMES = {"final_time": r"final noise level $\sigma_T = \sqrt{T}$", "points": "training points $N$"}

# Of a panel, by class and number: the share, and its probability by theory.
Series = dict[str, dict[float, tuple[MeanShare, float | None]]]


@frozen
class ClassShares:
    """The share of each class with its interval, and as a line the probability by theory, where it is known.

    Swept keys that do not decide the number on the horizontal axis make further panels. With several seeds a point
    is the mean over seeds; the figure says in words what its bars are.
    """

    analysis: tuple[str, ...] = reference(
        "analysis", help="of the kind class-fractions", many=True, gather=True, seeds=True
    )
    against: Literal["final_time", "points"] = parameter("final_time", help="number on the horizontal axis")
    look: FigureLook = key_group(FigureLook)

    def check(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> Iterator[ValidationIssue]:
        """Check that a flow has the number on the axis, and that a page holds the panels of the swept keys."""
        yield from check_free_panels("analysis", inputs.get("analysis", ()), self.against, "draw several figures")
        kinds = {
            flow.kind
            for node in inputs["analysis"]
            for flow in (node.value_spec.classes.flows or {"": FlowSpec()}).values()
        }
        if self.against == "final_time" and kinds and kinds <= {"score"}:
            yield ValidationIssue("against", "no flow has a final_time: only probability flow has one")

    @with_look
    def build(self, context: Context, *, analysis: Mapping[NodeLabel, EndShares]) -> Result:
        """Draw one panel per flow and setting of the other swept keys.

        Raises NodeError where no flow has the number.
        """
        from matplotlib.lines import Line2D

        shares = [share for share in read_shares(analysis) if share.row[self.against] is not None]
        if not shares:
            raise NodeError(f"no flow has a {self.against}: only probability flow has a final time")
        panels = self._panels(shares)
        titles = list(panels) if len(panels) > 1 else [""]
        figure, axes = new_panels(
            titles,
            3,
            0.75,
            0.06,
            xlabel=_NAMES[self.against],
            ylabel="share of starts (%)",
            size=self.look.size,
            sharey=True,
        )
        for ax, series in zip(axes, panels.values(), strict=True):
            for name in CLASSES:
                points = series.get(name, {})
                if any(point.share or predicted for point, predicted in points.values()):
                    _draw_points(ax, points, name)
            ax.set_ylim(-3, 103)
        handles, names = _distinct(axes)
        pairs = [pair for series in panels.values() for points in series.values() for pair in points.values()]
        if any(predicted is not None for _, predicted in pairs):
            handles, names = [*handles, Line2D([], [], color="black", lw=0.9)], [*names, "predicted"]
        add_legend(figure, handles, names)
        add_note(figure, describe_points(point for point, _ in pairs))
        return Result(figure)

    def _panels(self, shares: list[Share]) -> dict[str, Series]:
        """The points of each panel by its title; seeds together."""
        numbers = {(share.label, share.panel): _number(share.row, self.against) for share in shares}
        rest = {
            (label, panel): others
            for panel in dict.fromkeys(share.panel for share in shares)
            for label, others in remaining_labels(
                {label: number for (label, of), number in numbers.items() if of == panel}
            ).items()
        }
        places: dict[str, dict[str, dict[float, list[Share]]]] = {}
        for share in shares:
            place = share.label, share.panel
            series = places.setdefault(panel_title(share.panel, rest[place]), {})
            series.setdefault(share.line, {}).setdefault(numbers[place], []).append(share)
        return {
            title: {
                name: {number: (mean_over_seeds(group), _predicted(group)) for number, group in points.items()}
                for name, points in series.items()
            }
            for title, series in places.items()
        }


def _number(row: Mapping[str, Any], against: str) -> float:
    """The place on the horizontal axis."""
    return float(row[against] ** 0.5 if against == "final_time" else row[against])


def _predicted(shares: list[Share]) -> float | None:
    """The mean over seeds of the probability by theory; None unless it is known at each seed."""
    known = [share.row["predicted"] for share in shares if share.row["predicted"] is not None]
    return sum(known) / len(known) if len(known) == len(shares) else None


def _draw_points(ax: Axes, points: Mapping[float, tuple[MeanShare, float | None]], name: str) -> None:
    """Draw points with intervals, and the prediction where there is one."""
    places = sorted(points)
    ax.errorbar(
        places,
        [100 * points[place][0].share for place in places],
        list(zip(*(points[place][0].bars for place in places), strict=True)),
        ls="",
        marker=CLASS_MARKERS[name],
        color=CLASS_COLOURS[name],
        ms=3,
        capsize=1.5,
        elinewidth=0.8,
        label=name,
    )
    known = [(place, predicted) for place in places if (predicted := points[place][1]) is not None]
    ax.plot([x for x, _ in known], [100 * y for _, y in known], color=CLASS_COLOURS[name], lw=0.9, zorder=1)


def _distinct(axes: Any) -> tuple[list[Any], list[str]]:
    """One legend entry per class, over all panels."""
    handles = {name: handle for ax in axes for handle, name in zip(*ax.get_legend_handles_labels(), strict=True)}
    names = [name for name in CLASSES if name in handles]
    return [handles[name] for name in names], names
