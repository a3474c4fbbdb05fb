"""The error of integrators against the number of steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import frozen

from flowlab.api import (
    Context,
    FigureLook,
    IntegratorErrors,
    Result,
    key_group,
    reference,
    with_look,
)
from flowlab.api.helpers.plotting import WIDTHS, Width, new_figure, series_style

# Errors below this share of the shortest length are rounding, and are drawn at the bottom of the panel.
_FOOT = 1e-16


@frozen
class Discretisation:
    """The mean error of each integrator and the share of changed classes, against the number of steps.

    Errors are shares of the shortest length of the points. The legend gives the order that fits the errors above
    rounding. There is one column of panels per denoiser.
    """

    analysis: str = reference("analysis", help="of the kind discretisation")
    look: FigureLook = key_group(FigureLook)

    @with_look
    def build(self, context: Context, *, analysis: IntegratorErrors) -> Result:
        """Draw two panels per denoiser."""
        rows = analysis.rows
        denoisers = list(dict.fromkeys(row["denoiser"] for row in rows))
        integrators = list(dict.fromkeys(row["integrator"] for row in rows))
        width: Width = "single" if len(denoisers) == 1 else "double"
        figure, axes = new_figure(
            width, 3.9 / WIDTHS[width], rows=2, columns=len(denoisers), sharex=True, sharey="row"
        )
        for (error, changed), denoiser in zip(axes.T, denoisers, strict=True):
            for k, name in enumerate(integrators):
                series = [row for row in rows if (row["denoiser"], row["integrator"]) == (denoiser, name)]
                _series(error, changed, sorted(series, key=lambda row: row["steps"]), str(name), series_style(k))
            error.set(xscale="log", yscale="log", title=str(denoiser))
            error.legend(loc="center right", handlelength=1.4)
            changed.set(xlabel="steps")
        axes[0, 0].set_ylabel("mean error\n/ shortest length")
        axes[1, 0].set_ylabel("classes changed (%)")
        axes[1, 0].set_ylim(bottom=0)
        figure.align_ylabels(list(axes[:, 0]))
        return Result(figure)


def _series(error: Any, changed: Any, rows: list[dict[str, Any]], name: str, style: Mapping[str, Any]) -> None:
    from flowlab.theory.flows.convergence import empirical_order

    steps = [row["steps"] for row in rows]
    errors = [row["error_mean"] / row["scale"] for row in rows]
    order = empirical_order(steps, errors)
    label = f"{name}: rounding" if order is None else f"{name}: order {order:.2f}"
    error.plot(steps, [max(error, _FOOT) for error in errors], label=label, **style)
    changed.plot(steps, [100 * row["changed_share"] for row in rows], **style)
