"""The noise levels at which denoisers have minimum norm, and those at which they do not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from attrs import frozen

from flowlab.api import (
    Certificates,
    Context,
    FigureLook,
    Result,
    key_group,
    parameter,
    reference,
    with_look,
)
from flowlab.api.helpers.plotting import FAINT, new_panels, series_style
from flowlab.api.helpers.swept_keys import distinguish_labels

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@frozen
class MinimalityMap:
    """The dual bound as a share of each denoiser's cost, against the noise level, one panel per analysis.

    Solid lines and markers are the proved bound, dotted lines the estimate. A filled marker: proved to be minimal
    within the requested gap. A hollow marker: a cheaper network is known. A plus, at the estimate: minimal if the
    estimate is right. A cross: open, the least cost is between the marker and 1.
    """

    analysis: tuple[str, ...] = reference("analysis", help="of the kind certificate, a panel each", many=True)
    columns: int = parameter(2, help="panels in a row", ge=1, le=4)
    look: FigureLook = key_group(FigureLook)

    @with_look
    def build(self, context: Context, *, analysis: Mapping[str, Certificates]) -> Result:
        """Draw the panels."""
        figure, panels = new_panels(
            list(analysis),
            self.columns,
            0.62,
            0.06,
            xlabel=r"noise level $\sigma$",
            ylabel="bound / cost",
            size=self.look.size,
            sharey=True,
        )
        for ax, rows in zip(panels, analysis.values(), strict=True):
            _panel(ax, rows)
        return Result(figure)


def _panel(ax: Axes, rows: Certificates) -> None:
    ax.axhline(1, color=FAINT, lw=0.5, zorder=0)
    for k, (label, name) in enumerate(distinguish_labels(dict.fromkeys(rows.labels)).items()):
        indices = [
            i for i, other in enumerate(rows.labels) if other == label and rows["gap_proved"][i] is not None
        ]
        indices.sort(key=lambda i: rows["sigma"][i])
        sigma, share = [rows["sigma"][i] for i in indices], [1 - rows["gap_proved"][i] for i in indices]
        estimate = [1 - rows["gap_estimate"][i] for i in indices]
        style = series_style(k)
        ax.plot(sigma, share, lw=0.8, color=style["color"], zorder=1)
        ax.plot(sigma, estimate, lw=0.6, ls=":", color=style["color"], zorder=1)
        # one legend entry per series, whatever its verdicts
        ax.plot([], [], lw=0.8, **style, label=name)
        for word, at, look in (
            ("minimal", share, {"marker": style["marker"]}),
            (
                "not minimal",
                share,
                {"marker": style["marker"], "markerfacecolor": "white", "markeredgewidth": 0.8},
            ),
            ("estimated", estimate, {"marker": "+", "markeredgewidth": 1.0}),
            ("open", share, {"marker": "x", "markeredgewidth": 1.0}),
        ):
            places = [j for j, i in enumerate(indices) if rows["verdict"][i] == word]
            ax.plot(
                [sigma[j] for j in places],
                [at[j] for j in places],
                ls="",
                color=style["color"],
                zorder=2,
                **look,
            )
    ax.legend(loc="lower left", handlelength=1.4)
