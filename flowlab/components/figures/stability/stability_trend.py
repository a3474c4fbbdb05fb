"""The share of sums of training points that are stable, against the number of samples or the noise level."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from attrs import frozen

from flowlab.api import (
    Context,
    FigureLook,
    NodeError,
    NodeSpec,
    Result,
    StableSharesOverDraws,
    ValidationIssue,
    key_group,
    reference,
    with_look,
)
from flowlab.api.helpers.plotting import add_note, new_figure, series_style

_AXES = {"samples": "noisy samples a point $M$", "sigma": r"noise level $\sigma$"}


@frozen
class StabilityTrend:
    """The share of stable sums against the samples per point or the noise level, one line per order of the sums.

    The line is the mean over draws of the noise; the bars go from the least to the largest share.
    """

    analysis: str = reference("analysis", help="of the kind stability-over-draws")
    look: FigureLook = key_group(FigureLook)

    def check(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> Iterator[ValidationIssue]:
        """Check that an order of sums is tested."""
        if inputs["analysis"] and all(node.value_spec.empty for node in inputs["analysis"]):
            yield ValidationIssue("analysis", "no order of sums is tested: the training points have too few edges")

    @with_look
    def build(self, context: Context, *, analysis: StableSharesOverDraws) -> Result:
        """Draw one line per order.

        Raises NodeError for an empty analysis.
        """
        columns, rows = analysis.columns, analysis.rows
        if not rows:
            raise NodeError("no order of sums was tested: the training points have too few edges")
        across = next(name for name in _AXES if name in columns)
        figure, axes = new_figure("single", 0.68)
        ax = axes[0, 0]
        for k, order in enumerate(dict.fromkeys(columns["order"])):
            series = [row for row in rows if row["order"] == order]
            mean = [100 * row["mean"] for row in series]
            # by rounding, the mean of equal shares may be below the least of them
            below = [max(0.0, share - 100 * row["least"]) for share, row in zip(mean, series, strict=True)]
            above = [max(0.0, 100 * row["largest"] - share) for share, row in zip(mean, series, strict=True)]
            places = [row[across] for row in series]
            ax.errorbar(
                places, mean, [below, above], label=f"{order} summed", capsize=2, elinewidth=0.9, **series_style(k)
            )
        ax.set(
            xscale="log", xlabel=_AXES[across], ylabel="stable sums (%)", ylim=(-3, 103), yticks=range(0, 101, 25)
        )
        places = sorted({row[across] for row in rows})
        ax.set_xticks(places, [f"{place:g}" for place in places])
        ax.set_xticks([], minor=True)
        ax.spines["left"].set_bounds(0, 100)
        figure.legend(loc="outside upper center", ncols=4, handlelength=1.8)
        draws = sorted({int(row["draws"]) for row in rows})
        count = f"{draws[0]}" if len(draws) == 1 else f"{draws[0]} to {draws[-1]}"
        add_note(figure, f"points and bars: mean, and least to largest share, over {count} draws of the noise")
        return Result(figure)
