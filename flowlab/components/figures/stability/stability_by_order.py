"""The share of sums of training points that are stable, by the number of points in a sum."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from attrs import frozen

from flowlab.api import (
    Context,
    FigureLook,
    NodeError,
    NodeSpec,
    Result,
    StableShares,
    ValidationIssue,
    key_group,
    reference,
    with_look,
)
from flowlab.api.helpers.plotting import FAINT, new_figure, series_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@frozen
class StabilityByOrder:
    """The share of stable sums against their order, as percentages.

    Each analysis, that is, each denoiser, has its own colour and marker. Where not all sums of an order were
    tested, the label says how many were. There are no intervals, because the sums of one denoiser are no
    independent trials.
    """

    analysis: tuple[str, ...] = reference(
        "analysis", help="of the kind virtual-point-stability, one per denoiser", many=True
    )
    look: FigureLook = key_group(FigureLook)

    def check(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> Iterator[ValidationIssue]:
        """Check that an order of sums is tested."""
        if inputs["analysis"] and all(node.value_spec.empty for node in inputs["analysis"]):
            yield ValidationIssue("analysis", "no order of sums is tested: the training points have too few edges")

    @with_look
    def build(self, context: Context, *, analysis: Mapping[str, StableShares]) -> Result:
        """Draw grouped points.

        Raises NodeError where there are none.
        """
        rows_by_order = {label: {row["order"]: row for row in shares.rows} for label, shares in analysis.items()}
        orders = sorted({order for rows in rows_by_order.values() for order in rows})
        if not orders:
            raise NodeError("no order of sums was tested: the training points have too few edges")
        # the percentages of two series fit into one column
        figure, axes = new_figure("single", 0.68) if len(analysis) < 3 else new_figure("double", 0.36)
        ax = axes[0, 0]
        spacing = 0.62 / len(analysis)
        for k, (label, rows) in enumerate(rows_by_order.items()):
            shift = (k - (len(analysis) - 1) / 2) * spacing
            _series(ax, label, {orders.index(n) + shift: row for n, row in rows.items()}, series_style(k))
        for between in range(len(orders) - 1):
            ax.axvline(between + 0.5, color=FAINT, lw=0.3, zorder=0)
        ax.set_xticks(range(len(orders)), [_order_label(order, list(rows_by_order.values())) for order in orders])
        ax.tick_params(axis="x", length=0)
        ax.set(xlim=(-0.5, len(orders) - 0.5), ylim=(-3, 110), yticks=range(0, 101, 25))
        ax.set(xlabel="training points summed", ylabel="stable sums (%)")
        ax.spines["left"].set_bounds(0, 100)
        if len(analysis) > 1:
            figure.legend(loc="outside upper center", ncols=min(6, len(analysis)), handlelength=1.2)
        return Result(figure)


def _order_label(order: int, analyses: Sequence[Mapping[int, Mapping[str, float]]]) -> str:
    """The label of an order, with the fewest sums that were tested where some were not."""
    rows = [shares[order] for shares in analyses if order in shares]
    least = min(rows, key=lambda row: row["tested"] / row["total"])
    if least["tested"] == least["total"]:
        return str(order)
    return f"{order}\n({least['tested']:,} of {least['total']:,} tested)"


def _series(ax: Axes, label: str, rows: Mapping[float, Mapping[str, float]], style: dict[str, Any]) -> None:
    """Draw points, each with its percentage."""
    shares = [100 * row["share"] for row in rows.values()]
    ax.plot(list(rows), shares, label=label, **(style | {"ls": ""}))
    for place, share in zip(rows, shares, strict=True):
        ax.annotate(
            _percentage(share),
            (place, share),
            xytext=(0, 4.5),
            textcoords="offset points",
            ha="center",
            fontsize=6,
            color=style["color"],
        )


def _percentage(share: float) -> str:
    """A percentage with one decimal; 100% and 0% are exact."""
    if 99.95 <= share < 100:
        return ">99.9%"
    if 0 < share < 0.05:
        return "<0.1%"
    return f"{share:.0f}%" if share in (0, 100) else f"{share:.1f}%"
