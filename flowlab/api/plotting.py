"""The house style of figures: one size a column width, one colour a class, fonts embedded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flowlab.api.work import CLASSES

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SINGLE, DOUBLE = 3.4, 6.9  # inches: the column and page widths of most journals

# Okabe and Ito's palette: told apart with any colour vision, and in grey by the markers
COLOURS = dict(zip(CLASSES, ("#0072B2", "#D55E00", "#009E73", "#E69F00", "#8C8C8C"), strict=True))
MARKERS = dict(zip(CLASSES, ("o", "D", "s", "^", "x"), strict=True))
SERIES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")

STYLE = {
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.labelsize": 8,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "lines.linewidth": 1.0,
    "pdf.fonttype": 42,
    "figure.dpi": 100,
    "savefig.dpi": 300,
}


def new_figure(width: float, height: float, rows: int = 1, columns: int = 1, **grid: Any) -> tuple[Figure, Any]:
    """A figure of a size in inches in the house style, and its axes as a (rows, columns) array."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(STYLE):  # type: ignore[arg-type]
        figure = Figure(figsize=(width, height), layout="constrained")
        axes = figure.subplots(rows, columns, squeeze=False, **grid)
    return figure, axes


def class_handles(names: tuple[str, ...] = CLASSES) -> list[Any]:
    """Legend entries of the classes, colour and marker."""
    from matplotlib.lines import Line2D

    return [
        Line2D([], [], color=COLOURS[name], marker=MARKERS[name], markersize=4, linewidth=1.5, label=name)
        for name in names
    ]
