"""The violation and the cost of denoisers against the noise level."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from attrs import frozen

from flowlab.api import (
    Context,
    NetworkQuality,
    NodeError,
    NodeSpec,
    Result,
    ValidationIssue,
    parameter,
    reference,
)
from flowlab.api.helpers.labels import distinguishing
from flowlab.api.helpers.plotting import FAINT, house_style, new_figure, series_style
from flowlab.api.metric_labels import metric_label

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Least values shown, as shares of the largest sigma (for the MSE of its square); smaller ones would stretch the
# axis.
_NIL = {"violation_max": 1e-5, "violation_rms": 1e-5, "mse": 1e-6}


@frozen
class QualityByLevel:
    """Measures of quality against the noise level, one panel each, with one line per denoiser.

    Ratios have a line at 1. Violations and the training MSE are on a logarithmic scale. It ends at 1e-5 of the
    largest sigma for violations, and at 1e-6 of its square for the MSE.
    """

    analysis: tuple[str, ...] = reference("analysis", many=True, gather=True, help="of the kind interpolation")
    quantities: tuple[str, ...] = parameter(
        ("violation_rms", "slab_ratio"), help="columns of the analysis to draw, one panel each"
    )

    def check(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> Iterator[ValidationIssue]:
        """Check that a denoiser reports its quality."""
        if inputs["analysis"] and all(node.value_spec.empty for node in inputs["analysis"]):
            yield ValidationIssue(
                "analysis", "no denoiser reports how well it interpolates: only trained networks and slabs do"
            )

    @house_style()
    def build(self, context: Context, *, analysis: Mapping[str, NetworkQuality]) -> Result:
        """Draw the panels.

        Raises NodeError for a column that the analysis does not have.
        """
        rows = [row for table in analysis.values() for row in table.rows]
        for quantity in self.quantities:
            if not any(quantity in row for row in rows):
                raise NodeError(f"the analysis has no column {quantity!r}: it has {', '.join(rows[0])}")
        lines: dict[str, dict[float, Any]] = {}
        for row in rows:
            lines.setdefault(row["denoiser"], {})[row["sigma"]] = row
        across = len(self.quantities)
        figure, axes = new_figure(
            "single" if across == 1 else "double", 0.72 if across == 1 else 0.84 / across, columns=across
        )
        labels = distinguishing(lines)
        noisiest = max(max(levels) for levels in lines.values())
        for ax, quantity in zip(axes[0], self.quantities, strict=True):
            least = _NIL.get(quantity, 0.0) * noisiest ** (2 if quantity == "mse" else 1)
            for k, (name, levels) in enumerate(lines.items()):
                sigma = sorted(levels)
                values = [_number(levels[s].get(quantity), least) for s in sigma]
                ax.plot(sigma, values, label=labels[name], **series_style(k))
            ax.set(xlabel=r"noise level $\sigma$", ylabel=metric_label(quantity))
            _scale(ax, quantity)
        handles, names = axes[0, 0].get_legend_handles_labels()
        figure.legend(handles, names, loc="outside upper center", ncols=min(len(names), 2 * across + 1))
        return Result(figure)


def _number(value: float | None, least: float) -> float:
    return float("nan") if value is None else max(value, least)


def _scale(ax: Axes, quantity: str) -> None:
    if quantity == "mse" or quantity.startswith("violation"):
        ax.set_yscale("log")
        return
    ax.set_ylim(bottom=0)
    if quantity.endswith("ratio"):
        ax.axhline(1, color=FAINT, lw=0.5, zorder=0)
