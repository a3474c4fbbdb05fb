"""The number of stable subset sums at each radius."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from attrs import frozen

from flowlab.api import (
    Context,
    FigureLook,
    NodeLabel,
    NodeSpec,
    Result,
    StableSumCounts,
    ValidationIssue,
    key_group,
    reference,
    with_look,
)
from flowlab.api.helpers.plotting import MOST_SERIES, new_figure, series_style
from flowlab.api.helpers.swept_keys import distinguish_labels


@frozen
class StableSums:
    """The stable subset sums against the radius rho: markers by iteration of h, lines by theory."""

    analysis: tuple[str, ...] = reference(
        "analysis", help="of the kind stable-sums, a series each", many=True, gather=True
    )
    look: FigureLook = key_group(FigureLook)

    def check(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> Iterator[ValidationIssue]:
        """Check that there are no more series than can be told apart."""
        count = len(inputs.get("analysis", ()))
        if count > MOST_SERIES:
            rule = f"{count} series, at most {MOST_SERIES} can be told apart"
            yield ValidationIssue("analysis", f"{rule}: draw several figures, each with an analysis of its own")

    @with_look
    def build(self, context: Context, *, analysis: Mapping[NodeLabel, StableSumCounts]) -> Result:
        """Draw one panel."""
        figure, axes = new_figure("single", 0.75)
        ax = axes[0, 0]
        names = distinguish_labels(analysis)
        for k, (label, rows) in enumerate(analysis.items()):
            style = series_style(k)
            # the line has a step at each critical radius
            widest = max(rows["rho"])
            places = sorted({0.0, widest, *(radius for radius in rows.critical if radius < widest)})
            counts = [sum(radius <= place for radius in rows.critical) for place in places]
            ax.step(places, counts, where="post", lw=0.9, color=style["color"], zorder=1)
            ax.plot(rows["rho"], rows["stable"], ls="", ms=3, mfc="none", mew=0.8, label=names[label], **style)
        ax.set(xlabel=r"radius $\rho$", ylabel="stable subset sums")
        ax.set(xlim=(0, None), ylim=(0, None))
        ax.yaxis.get_major_locator().set_params(integer=True)
        if len(analysis) > 1:
            figure.legend(loc="outside upper center", ncols=min(3, len(analysis)), handlelength=1.2)
        return Result(figure)
