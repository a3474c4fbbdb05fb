"""Flows in a plane through three training points."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from attrs import frozen

from flowlab.api import (
    Classes,
    Context,
    FigureLook,
    NodeSpec,
    Result,
    ValidationIssue,
    key_group,
    parameter,
    reference,
    with_look,
)
from flowlab.api.helpers.plotting import NOTE, WIDTHS, Width, fit_columns, light_map, new_figure
from flowlab.components.figures.plane.panel import Panel
from flowlab.components.figures.plane.section import Section, section

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D
    from numpy.typing import NDArray

    Array = NDArray[Any]

# Margin about the cell, as a share of its size, for ends outside it.
_MARGIN = 0.35
# Inches of a panel that can be read.
_NARROWEST = 2.2
# Percentiles of the starts that the panels include in each direction.
_BULK = (4, 96)


@frozen
class Plane:
    """Trajectories of each flow in the plane of three training points, coloured by the class of their end.

    In the background is the denoiser's field h(y) - y at the level where the flow ends: its length in grey, its
    direction as streamlines. In more than two dimensions trajectories are projected, and the field is that on the
    plane.
    """

    classifier: str = reference("classifier", help="classified flows to draw, one panel each")
    points: tuple[int, int, int] = parameter((0, 1, 2), help="the training points that span the plane", ge=0)
    resolution: int = parameter(
        25, help="grid points of the streamlines per side; the background has four times as many", ge=5
    )
    paths: int = parameter(60, help="number of trajectories per flow", ge=0)
    look: FigureLook = key_group(FigureLook)

    def check(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> Iterator[ValidationIssue]:
        """Check that the three points are different training points of a plane."""
        if len(set(self.points)) < 3:
            yield ValidationIssue("points", f"three different training points span a plane, found {self.points}")
        for name, flow in (inputs["classifier"][0].value_spec.flows or {}).items():
            training = flow.bank.training
            if training.dimension == 1:
                yield ValidationIssue("classifier", f"the flow {name!r} is in one dimension, and a plane has two")
            if training.points is not None and max(self.points) >= training.points:
                yield ValidationIssue(
                    "points",
                    f"the flow {name!r} has no training point {max(self.points)}: they are numbered 0 to "
                    f"{training.points - 1}",
                )

    @with_look
    def build(self, context: Context, *, classifier: Classes) -> Result:
        """Draw one panel per flow.

        Raises NodeError where there is no such plane.
        """
        from matplotlib.ticker import MaxNLocator

        panels = [
            Panel(label, flow, classifier.labels[label], section(flow.bank.training.geometry, self.points))
            for label, flow in classifier.flows.items()
        ]
        low, high = _limits(panels)
        rows = math.ceil(len(panels) / fit_columns(3, self.look.size, _NARROWEST))
        columns = math.ceil(len(panels) / rows)
        figure, axes = _frame(rows, columns, (high - low)[1] / (high - low)[0])
        used_axes = list(axes.flat[: len(panels)])
        for ax in axes.flat[len(panels) :]:
            ax.remove()
        fields = [panel.field(low, high, self.resolution) for panel in panels]
        strongest = max(float(field.strength.max()) for field in fields)
        for k, (ax, panel, field) in enumerate(zip(used_axes, panels, fields, strict=True)):
            image = panel.draw(ax, field, self.paths, light_map(), strongest)
            ax.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), aspect="equal")
            # the last panel of each column, also where the bottom row is not full
            last, first = k + columns >= len(panels), k % columns == 0
            ax.tick_params(labelbottom=last, labelleft=first)
            across, up = _axis_names(panel.section)
            ax.set(xlabel=across if last else "", ylabel=up if first else "")
            panel.legend(ax, last, 2 if columns == 3 else 3)
        bar = figure.colorbar(image, ax=used_axes, fraction=0.025, aspect=22, pad=0.015, shrink=0.5 / rows)
        bar.set_label(r"$|h(y) - y|$", color=NOTE, fontsize=6)
        bar.outline.set_visible(False)
        bar.ax.tick_params(length=0, labelsize=5.5, labelcolor=NOTE)
        bar.locator = MaxNLocator(3)
        figure.legend(
            handles=_symbols(panels),
            loc="outside lower center",
            ncols=3,
            handlelength=1.6,
            fontsize=6,
            labelcolor=NOTE,
        )
        return Result(figure)


def _limits(panels: list[Panel]) -> tuple[Array, Array]:
    """The lower left and upper right corners (2,) for all panels."""
    import numpy as np

    lows, highs = [], []
    for panel in panels:
        outline = panel.section.outline
        places = np.stack(list(panel.section.training.values()))
        cell = places if outline is None else np.concatenate([outline, places])
        margin = _MARGIN * np.ptp(cell, axis=0).max()
        bulk = np.percentile(panel.section.project(panel.flow.starts), _BULK, axis=0)
        lows.append(np.minimum(cell.min(0) - margin, bulk[0]))
        highs.append(np.maximum(cell.max(0) + margin, bulk[1]))
    return np.min(lows, axis=0), np.max(highs, axis=0)


def _frame(rows: int, columns: int, ratio: float) -> tuple[Figure, Any]:
    """A figure with axes of a height to width `ratio`, with room for a colour bar and legends."""
    width: Width = "single" if columns == 1 else "double"
    panel = (WIDTHS[width] - 0.95) / columns
    height = rows * (panel * ratio + 0.56) + (0.8 if columns == 3 else 0.65)
    return new_figure(width, height / WIDTHS[width], rows=rows, columns=columns, sharex=True, sharey=True)


def _axis_names(plane: Section) -> tuple[str, str]:
    if plane.flat:
        return "$y_1$", "$y_2$"
    first, second, third = plane.chosen
    return (
        f"projection on $x_{{{second}}} - x_{{{first}}}$",
        f"projection across it, towards $x_{{{third}}}$",
    )


def _symbols(panels: list[Panel]) -> list[Line2D]:
    """The legend entries that are no classes."""
    from matplotlib.lines import Line2D

    entries = [Line2D([], [], ls="", marker="o", color=NOTE, ms=3.5, label="training point")]
    if any(len(panel.section.virtual) for panel in panels):
        entries.append(
            Line2D([], [], ls="", marker="D", mfc="none", mec=NOTE, mew=0.7, ms=4, label="virtual point")
        )
    if any(panel.section.outline is not None for panel in panels):
        entries.append(Line2D([], [], color=NOTE, lw=0.7, ls=(0, (4, 2)), label="cell"))
    return entries
