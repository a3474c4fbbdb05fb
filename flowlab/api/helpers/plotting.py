"""The house style of figures: the width of a printed column, embedded fonts, colours for colour-blind readers."""

from __future__ import annotations

import functools
import math
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

from flowlab.api.kinds.classifier import CLASSES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure
    from matplotlib.legend import Legend

Width = Literal["single", "double"]
Size = Width | tuple[float, float]  # a printed column or both, or width and height in inches

WIDTHS: dict[Width, float] = {"single": 3.3, "double": 6.8}  # inches
_NARROWEST = 1.45  # inches of a panel that can be read

# The palette of Okabe and Ito, without its yellow, which is too pale for thin lines on white.
SERIES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MOST_SERIES = 14  # that colours and markers tell apart
MARKERS = ("o", "D", "s", "^", "v", "P", "X")

# A class has the same colour and marker in every figure; the markers also work in black and white.
CLASS_COLOURS = dict(zip(CLASSES, ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#999999"), strict=True))
CLASS_MARKERS = dict(zip(CLASSES, ("o", "D", "s", "^", "X"), strict=True))

# The lines of a second key, and how their markers are filled.
LINE_STYLES: tuple[tuple[Any, Any], ...] = (
    ("-", "full"),
    ((0, (4, 1.5)), "none"),
    ((0, (1, 1)), "left"),
    ((0, (5, 1.2, 1, 1.2)), "top"),
)

INK = "#222222"
FAINT = "#8a8a8a"
NOTE = "#5a5a5a"  # small text

_STYLE: dict[str, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "mathtext.fontset": "dejavusans",
    "font.size": 7,
    "axes.titlesize": 7,
    "axes.labelsize": 7,
    "xtick.labelsize": 6.5,
    "ytick.labelsize": 6.5,
    "legend.fontsize": 6.5,
    "legend.frameon": False,
    "legend.handletextpad": 0.4,
    "legend.columnspacing": 1.2,
    "axes.linewidth": 0.6,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": INK,
    "ytick.color": INK,
    "text.color": INK,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.minor.width": 0.4,
    "ytick.minor.width": 0.4,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "xtick.minor.size": 1.5,
    "ytick.minor.size": 1.5,
    "lines.linewidth": 1.0,
    "lines.markersize": 3.5,
    "figure.dpi": 200,
    "savefig.dpi": 200,
    "pdf.fonttype": 42,
    "ps.fonttype": 42,
}


@contextmanager
def house_style(style: str | None = None) -> Iterator[None]:
    """Draw in the house style, whatever the user's own settings, as a decorator or in a `with`.

    `style` is a matplotlib style over it, by name or path.
    """
    from matplotlib import rc_context, rcParamsDefault
    from matplotlib import style as styles

    kept = {"backend", "backend_fallback", "interactive", "toolbar", "svg.hashsalt"}
    defaults: dict[Any, Any] = {name: value for name, value in rcParamsDefault.items() if name not in kept}
    with rc_context(defaults | _STYLE):
        if style is not None:
            styles.use(style)
        yield


@functools.cache
def _figure_class() -> type[Figure]:
    from matplotlib.figure import Figure

    class HouseFigure(Figure):
        """A figure that is saved in the style that it was drawn in, since fonts are embedded only then."""

        style_path: str | None = None
        has_own_size = False  # a size that was asked for, which is not cut to the contents

        def savefig(self, *args: Any, **options: Any) -> None:
            if self.has_own_size:
                options["bbox_inches"] = None
            with house_style(self.style_path):
                super().savefig(*args, **options)

    return HouseFigure


def new_figure(
    width: Width = "single", aspect: float = 0.7, *, rows: int = 1, columns: int = 1, **grid: Any
) -> tuple[Figure, Any]:
    """A figure with the width of one or two printed columns, and its axes as an array of rows and columns.

    `aspect` is height / width. Other keywords go to `Figure.subplots`. pyplot is not involved, so there is no
    window. It takes the style that is active: call it in `house_style`.
    """
    inches = WIDTHS[width]
    figure = _figure_class()(figsize=(inches, aspect * inches), layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False, **grid)


def new_panels(
    titles: Sequence[str],
    columns: int,
    aspect: float,
    head: float,
    *,
    xlabel: str,
    ylabel: str,
    size: Size | None = None,
    **grid: Any,
) -> tuple[Figure, list[Axes]]:
    """A figure of panels with titles, at most `columns` in a row, with axis labels at its outer edges only.

    A panel is `aspect` times as high as wide. The space above the panels is `head` times the width of the figure.
    With a `size` there are fewer panels in a row where they would be too narrow to read.
    """
    across = min(columns, len(titles))
    width: Width = "single" if across == 1 else "double"
    above = head * WIDTHS[width]
    inches = WIDTHS[width] if size is None else width_in_inches(size)
    if isinstance(size, tuple):
        across = _fitting_columns(len(titles), size, aspect)
    across = max(1, min(across, int(inches / _NARROWEST)))
    down = -(-len(titles) // across)
    figure, axes = new_figure(width, 1.0, rows=down, columns=across, **grid)
    figure.set_size_inches(inches, inches * aspect * down / across + above)
    for ax, title in zip(axes.flat, titles, strict=False):
        ax.set_title(title, loc="left")
    for ax in axes.flat[len(titles) :]:
        ax.set_visible(False)
    for ax in axes[:, 0]:
        ax.set_ylabel(ylabel)
    for index in range(max(0, len(titles) - across), len(titles)):
        axes.flat[index].set_xlabel(xlabel)
        axes.flat[index].xaxis.set_tick_params(labelbottom=True)
    return figure, list(axes.flat[: len(titles)])


def _fitting_columns(panels: int, size: tuple[float, float], aspect: float) -> int:
    """The panels in a row with which a figure of this size has panels nearest to their shape."""

    def deviation(across: int) -> float:
        down = -(-panels // across)
        shape = size[1] / down / (size[0] / across)
        return abs(math.log(shape / aspect))

    return min(range(1, panels + 1), key=deviation)


def width_in_inches(size: Size) -> float:
    """How wide a figure of that size is: a printed column, both, or the first of two numbers."""
    return size[0] if isinstance(size, tuple) else WIDTHS[size]


def fit_columns(most: int, size: Size | None, narrowest: float) -> int:
    """The panels in a row of a figure, so that none is narrower than so many inches; `most` without a size."""
    return most if size is None else max(1, min(most, int(width_in_inches(size) / narrowest)))


def add_legend(figure: Figure, handles: Sequence[Any], names: Sequence[str], most: int = 5) -> None:
    """Draw a legend above a whole figure, in rows that are no wider than it; the figure grows with the rows."""
    from matplotlib import rcParams

    size = float(rcParams["legend.fontsize"])
    entry = size * (0.6 * max(map(len, names)) + rcParams["legend.handlelength"] + 1.6) / 72  # inches
    columns = max(1, min(most, len(names), int(figure.get_figwidth() / entry)))
    rows = -(-len(names) // columns)
    figure.set_figheight(figure.get_figheight() + (rows - 1) * 1.5 * size / 72)
    figure.legend(handles, names, loc="outside upper center", ncols=-(-len(names) // rows))


def series_style(index: int) -> dict[str, Any]:
    """The colour and marker of one of several series, by its index."""
    round_trip = index // len(SERIES)  # another marker for a colour that comes again
    return {"color": SERIES[index % len(SERIES)], "marker": MARKERS[(index + round_trip) % len(MARKERS)]}


def add_note(figure: Figure, text: str) -> None:
    """A line of small text under the whole figure, in as many rows as it needs, behind that of an earlier note.

    With a legend there, it stands in front of the legend's entries: they share the place.
    """
    from matplotlib.font_manager import FontProperties

    text = "; ".join(filter(None, [" ".join(note_text(figure).split()), text]))
    width, size = figure.get_figwidth(), 6.0
    columns = int(width / (size * 0.0078))  # a letter is 0.56 of its size wide
    rows = "\n".join(textwrap.wrap(text, columns))
    if legend := _legend_below(figure):
        legend.set_title(rows, FontProperties(size=size))
        legend.get_title().set_color(NOTE)
    else:
        figure.supxlabel(rows, fontsize=size, color=NOTE)


def note_text(figure: Figure) -> str:
    """The note under a figure; empty without one."""
    legend = _legend_below(figure)
    return legend.get_title().get_text() if legend else figure.get_supxlabel()


def _legend_below(figure: Figure) -> Legend | None:
    """The legend under the panels, if there is one."""
    return next((legend for legend in figure.legends if getattr(legend, "_outside_loc", None) == "lower"), None)


def set_categories(ax: Axes, names: Sequence[str], axis: Literal["x", "y"] = "x") -> None:
    """Make an axis one of categories: the names stand at 0, 1, 2 and so on, with equal room."""
    side = ax.xaxis if axis == "x" else ax.yaxis
    side.set_ticks(range(len(names)), [textwrap.fill(name, 18) for name in names])
    side.set_tick_params(length=0)
    (ax.set_xlim if axis == "x" else ax.set_ylim)(-0.5, len(names) - 0.5)


def light_map() -> Colormap:
    """A sequential colour map that is so light that lines and markers stand out on it."""
    from matplotlib import colormaps
    from matplotlib.colors import LinearSegmentedColormap

    greys = colormaps["Greys"]
    return LinearSegmentedColormap.from_list("light", [greys(0.02), greys(0.2), greys(0.38)])


def readable_on(colour: str) -> str:
    """The text colour, dark or white, that is easier to read on a background colour."""
    from matplotlib.colors import to_rgb

    red, green, blue = to_rgb(colour)
    return "white" if 0.299 * red + 0.587 * green + 0.114 * blue < 0.55 else INK
