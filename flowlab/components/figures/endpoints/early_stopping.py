"""The class of the endpoint of each start, by the final time of its flow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from attrs import frozen

from flowlab.api import (
    CLASSES,
    ClassesByFinalTime,
    Context,
    FigureLook,
    Result,
    key_group,
    parameter,
    reference,
    with_look,
)
from flowlab.api.helpers.plotting import CLASS_COLOURS, INK, WIDTHS, Width, fit_columns, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Opacity of the colours of classes, so that lines stand out on them.
_ALPHA = 0.75


@frozen
class EarlyStopping:
    """The class of the endpoint over starts and final times, with the boundaries by theory, a panel per analysis.

    The solid line is tau, from which on a start ends in a vertex. At the dashed line it leaves the interior of the
    box.
    """

    analysis: tuple[str, ...] = reference("analysis", help="of the kind early-stopping, a panel each", many=True)
    columns: int = parameter(3, help="panels in a row", ge=1, le=4)
    look: FigureLook = key_group(FigureLook)

    @with_look
    def build(self, context: Context, *, analysis: Mapping[str, ClassesByFinalTime]) -> Result:
        """Draw the panels."""
        from matplotlib.lines import Line2D
        from matplotlib.patches import Patch

        across = min(fit_columns(self.columns, self.look.size, 1.6), len(analysis))
        down = -(-len(analysis) // across)
        width: Width = "single" if across == 1 else "double"
        inches = down * (0.85 * WIDTHS[width] / across + 0.25) + 0.35
        figure, axes = new_figure(
            width, inches / WIDTHS[width], rows=down, columns=across, sharex=True, sharey=True
        )
        for ax, (label, picture) in zip(axes.flat, analysis.items(), strict=False):
            _panel(ax, picture)
            ax.set_title(f"{label}\n{_steps(picture)}, {_percentage(picture)} as predicted", linespacing=1.35)
        for ax in list(axes.flat)[len(analysis) :]:
            ax.set_visible(False)
        for ax in axes[:, 0]:
            ax.set_ylabel(r"final noise level $\sigma_T = \sqrt{T}$")
        for ax in axes[-1]:
            ax.set_xlabel("place of the start\non the segment")
        occurring = {k for picture in analysis.values() for row in picture.labels for k in row}
        figure.legend(
            handles=[
                *(Patch(fc=CLASS_COLOURS[CLASSES[k]], alpha=_ALPHA, label=CLASSES[k]) for k in sorted(occurring)),
                Line2D([], [], color=INK, label=r"predicted $\tau$: a vertex above it"),
                Line2D([], [], color=INK, ls=(0, (3, 1.5)), label="predicted: the interior below it"),
            ],
            loc="outside lower center",
            ncols=3 if width == "double" else 2,
            handlelength=1.8,
        )
        return Result(figure)


def _panel(ax: Axes, picture: ClassesByFinalTime) -> None:
    import numpy as np
    from matplotlib.colors import ListedColormap
    from matplotlib.patheffects import withStroke

    sigma = np.sqrt(picture.times)
    ax.pcolormesh(
        picture.place,
        sigma,
        np.array(picture.labels),
        cmap=ListedColormap([CLASS_COLOURS[name] for name in CLASSES]),
        vmin=-0.5,
        vmax=len(CLASSES) - 0.5,
        shading="nearest",
        alpha=_ALPHA,
        lw=0,
        rasterized=True,
    )
    low, high = ax.get_ylim()
    for times, style in ((picture.becomes_vertex, "-"), (picture.leaves_interior, (0, (3, 1.5)))):
        halo = [withStroke(linewidth=2.2, foreground="white", alpha=0.7)]
        ax.plot(picture.place, np.sqrt(times), color=INK, ls=style, path_effects=halo)
    ax.set(xlim=(0, 1), ylim=(low, high))


def _steps(picture: ClassesByFinalTime) -> str:
    return f"{picture.steps} step" + ("s" if picture.steps > 1 else "")


def _percentage(picture: ClassesByFinalTime) -> str:
    """A percentage, with two decimals near 100%; it is 100% only if all agree."""
    share = 100 * picture.agreement
    return "100%" if share == 100 else f"{min(share, 99.99):.2f}%" if share > 99 else f"{share:.1f}%"
