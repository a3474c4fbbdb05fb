"""The shares of the classes against a number that a sweep varies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from attrs import frozen

from flowlab.api import (
    CLASSES,
    Context,
    EndShares,
    FlowSpec,
    NodeError,
    NodeSpec,
    Result,
    ValidationIssue,
    parameter,
    reference,
)
from flowlab.api.helpers.labels import without_setting
from flowlab.api.helpers.plotting import CLASS_COLOURS, CLASS_MARKERS, house_style, new_figure

_NAMES = {"final_time": r"final noise level $\sigma_T = \sqrt{T}$", "points": "training points $N$"}


@frozen
class ClassShares:
    """The share of each class with its interval, and as a line the probability by theory, where it is known."""

    analysis: tuple[str, ...] = reference("analysis", help="of the kind class-fractions", many=True, gather=True)
    against: Literal["final_time", "points"] = parameter("final_time", help="number on the horizontal axis")

    def check(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> Iterator[ValidationIssue]:
        """Check that a flow has the number on the axis."""
        kinds = {
            flow.kind
            for node in inputs["analysis"]
            for flow in (node.value_spec.classes.flows or {"": FlowSpec()}).values()
        }
        if self.against == "final_time" and kinds and kinds <= {"score"}:
            yield ValidationIssue("against", "no flow has a final_time: only probability flow has one")

    @house_style()
    def build(self, context: Context, *, analysis: Mapping[str, EndShares]) -> Result:
        """Draw one panel per flow.

        Raises NodeError where no flow has the number.
        """
        from matplotlib.lines import Line2D

        rows = [row for table in analysis.values() for row in table.rows if row[self.against] is not None]
        if not rows:
            raise NodeError(f"no flow has a {self.against}: only probability flow has a final time")
        flows = list(dict.fromkeys(without_setting(str(row["flow"])) for row in rows))
        figure, axes = new_figure(
            "single" if len(flows) == 1 else "double",
            0.75 if len(flows) == 1 else 0.5,
            columns=len(flows),
            sharey=True,
        )
        for ax, flow in zip(axes[0], flows, strict=True):
            for name in CLASSES:
                series = [row for row in rows if (without_setting(str(row["flow"])), row["class"]) == (flow, name)]
                if any(row["count"] or row["predicted"] for row in series):
                    _series(ax, sorted(series, key=lambda row: row[self.against]), name, self.against)
            ax.set(xlabel=_NAMES[self.against], title=flow if len(flows) > 1 else "", ylim=(-3, 103))
        axes[0, 0].set_ylabel("share of starts (%)")
        handles, names = _distinct(axes[0])
        predicted = any(row["predicted"] is not None for row in rows)
        if predicted:
            handles, names = [*handles, Line2D([], [], color="black", lw=0.9)], [*names, "predicted"]
        figure.legend(handles, names, loc="outside upper center", ncols=3, handlelength=1.2)
        return Result(figure)


def _series(ax: Any, rows: list[dict[str, Any]], name: str, against: str) -> None:
    """Draw points with intervals, and the prediction where there is one."""
    place = [row[against] ** 0.5 if against == "final_time" else row[against] for row in rows]
    share = [100 * row["fraction"] for row in rows]
    # rounding may put an end of the interval on the wrong side of the share
    below = [max(0.0, 100 * (row["fraction"] - row["low"])) for row in rows]
    above = [max(0.0, 100 * (row["high"] - row["fraction"])) for row in rows]
    colour = CLASS_COLOURS[name]
    ax.errorbar(
        place, share, [below, above], ls="", marker=CLASS_MARKERS[name], color=colour, ms=3, capsize=1.5,
        elinewidth=0.8, label=name,
    )  # fmt: skip
    known = [
        (x, 100 * row["predicted"]) for x, row in zip(place, rows, strict=True) if row["predicted"] is not None
    ]
    ax.plot([x for x, _ in known], [y for _, y in known], color=colour, lw=0.9, zorder=1)


def _distinct(axes: Any) -> tuple[list[Any], list[str]]:
    """One legend entry per class, over all panels."""
    handles = {name: handle for ax in axes for handle, name in zip(*ax.get_legend_handles_labels(), strict=True)}
    names = [name for name in CLASSES if name in handles]
    return [handles[name] for name in names], names
