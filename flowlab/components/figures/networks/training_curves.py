"""Violation, cost and penalty during training."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from attrs import frozen

from flowlab.api import (
    Context,
    DenoiserBank,
    FigureLook,
    NodeError,
    NodeSpec,
    Result,
    Table,
    ValidationIssue,
    key_group,
    reference,
    with_look,
)
from flowlab.api.helpers.plotting import INK, new_figure
from flowlab.api.metric_labels import metric_label

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.cm import ScalarMappable


@frozen
class TrainingCurves:
    """Largest violation, representation cost and penalty during training, one line per noise level."""

    denoiser: str = reference("denoiser", help="a bank trained by augmented-lagrangian or weight-decay")
    look: FigureLook = key_group(FigureLook)

    def check(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> Iterator[ValidationIssue]:
        """Check that the bank has a history."""
        for bank in inputs["denoiser"]:
            if bank.value_spec.history is False:
                yield ValidationIssue(
                    "denoiser",
                    f"{bank.name!r} has no training history: only shallow-relu with the optimizer "
                    "augmented-lagrangian or weight-decay records one",
                )

    @with_look
    def build(self, context: Context, *, denoiser: DenoiserBank) -> Result:
        """Draw three panels.

        Raises NodeError for a bank without a history.
        """
        if denoiser.history is None:
            raise NodeError(
                "this denoiser has no training history: only shallow-relu with the optimizer "
                "augmented-lagrangian or weight-decay records one"
            )
        curves = _curves(denoiser.history)
        sigma = [curve["sigma"][0] for curve in curves]
        shades = _shades(sigma)
        figure, axes = new_figure("single", 1.15, rows=3, sharex=True)
        violation, cost, penalty = axes[:, 0]
        for curve in curves:
            colour = shades.to_rgba(curve["sigma"][0])
            violation.plot(curve["step"], curve["violation_max"], color=colour, lw=0.8)
            cost.plot(curve["step"], curve["cost"], color=colour, lw=0.8)
        # the penalty is the same at all levels
        penalty.plot(curves[0]["step"], curves[0]["penalty"], color=INK)
        _scale(violation, [value for curve in curves for value in curve["violation_max"]])
        _scale(penalty, curves[0]["penalty"])
        violation.set_ylabel(metric_label("violation_max"))
        cost.set_ylabel("cost")
        penalty.set(ylabel="penalty", xlabel="step")
        penalty.locator_params(axis="x", nbins=5)
        penalty.xaxis.set_major_formatter(lambda step, _: f"{step:,.0f}")
        figure.align_ylabels([violation, cost, penalty])
        bar = figure.colorbar(shades, ax=[violation, cost], aspect=30, fraction=0.06, pad=0.02)
        bar.set_label(r"noise level $\sigma$")
        bar.outline.set_visible(False)
        if max(sigma) < 10 * min(sigma):  # within a decade most ticks are not powers of ten
            bar.ax.yaxis.set_minor_formatter("{x:g}")
        return Result(figure)


def _curves(history: Table) -> list[dict[str, list[Any]]]:
    """The columns of each level."""
    levels: dict[Any, list[dict[str, Any]]] = {}
    for row in history.rows:
        levels.setdefault(row["level"], []).append(row)
    return [{name: [row[name] for row in rows] for name in rows[0]} for rows in levels.values()]


def _shades(sigma: Sequence[float]) -> ScalarMappable:
    """Colours of the noise levels: dark for low noise, and none as pale as paper."""
    from matplotlib import colormaps
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import ListedColormap, LogNorm

    low, high = min(sigma), max(sigma)
    if math.isclose(low, high):
        low, high = low / 1.5, high * 1.5
    viridis = ListedColormap([colormaps["viridis"](k / 255 * 0.88) for k in range(256)])
    return ScalarMappable(LogNorm(low, high), viridis)


def _scale(ax: Axes, values: Sequence[float]) -> None:
    """Make the axis logarithmic if there is a positive value."""
    if any(value > 0 and math.isfinite(value) for value in values):
        ax.set_yscale("log", nonpositive="mask")
