"""The keys that all figures have in common: title, axis names and scales, size, style."""

from __future__ import annotations

import functools
import math
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from attrs import frozen

from flowlab.api.errors import NodeError, ValidationIssue
from flowlab.api.fields import parameter
from flowlab.api.helpers.plotting import WIDTHS, Size, add_note, house_style
from flowlab.api.nearest_name import nearest
from flowlab.api.node_spec import NodeSpec

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

Scale = Literal["linear", "log"]

_STYLES = Path(__file__).parents[1] / "styles"
_SUFFIX = ".mplstyle"
_LEAST = 0.2  # inches of a panel that shows anything
_TICKS = 8  # numbers that have a tick each on a logarithmic axis


@frozen
class FigureLook:
    """How a figure looks, whatever it shows; None leaves it as the figure has it."""

    title: str | None = parameter(None, help="title above the whole figure")
    xlabel: str | None = parameter(None, help="name of the horizontal axis")
    ylabel: str | None = parameter(None, help="name of the vertical axis")
    xscale: Scale | None = parameter(None, help="scale of the horizontal axis (log: with zero at the left end)")
    yscale: Scale | None = parameter(None, help="scale of the vertical axis (log: with zero at the lower end)")
    size: Size | None = parameter(
        None, help="a printed column or both, or width and height in inches (default: as the figure needs)", gt=0
    )
    style: str | None = parameter(None, help="a matplotlib style over flowlab's own: a file *.mplstyle, or a name")

    def check(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> Iterator[ValidationIssue]:
        """Check that a style has the name; whether a file is there is known where the figure is drawn."""
        if self.style is not None and not _is_file(self.style) and self.style not in style_names():
            near = nearest(self.style, style_names())
            hint = f"did you mean {near!r}?" if near else f"there are: {', '.join(style_names())}"
            yield ValidationIssue("style", f"{self.style!r} is no file *{_SUFFIX} and no name of a style ({hint})")

    def apply(self, figure: Figure) -> None:
        """Give a finished figure its title, axis names, scales and size.

        Names and scales are those of the axes that have a name already, at the outer edge of the panels. Raises
        NodeError where an axis can't be logarithmic.
        """
        for ax in _panels(figure):
            if self.xlabel is not None and ax.get_xlabel():
                ax.set_xlabel(self.xlabel)
            if self.ylabel is not None and ax.get_ylabel():
                ax.set_ylabel(self.ylabel)
            for side, scale in (("x", self.xscale), ("y", self.yscale)):
                if scale is not None:
                    _set_scale(ax, side, scale)
        if self.title is not None:
            _set_title(figure, self.title)
        if self.size is not None:
            _resize(figure, self.size)
            _check_room(figure)


def with_look(build: Callable[..., Any]) -> Callable[..., Any]:
    """Draw the figure of a component's `build` in the house style, with the style and look of its field `look`.

    One that shows the first of several seeds says so in its note.
    """

    @functools.wraps(build)
    def build_with_look(self: Any, context: Any, **inputs: Any) -> Any:
        style = style_path(self.look.style)
        with house_style(style):
            result = build(self, context, **inputs)
            if context.seeds > 1:
                add_note(result.value, f"seed {context.seed} alone, of {context.seeds} seeds")
            self.look.apply(result.value)
        result.value.style_path = style
        result.value.has_own_size = self.look.size is not None
        return result

    return build_with_look


def style_names() -> tuple[str, ...]:
    """The names of styles: flowlab's, then matplotlib's."""
    from matplotlib.style import available

    return *sorted(path.stem for path in _STYLES.glob(f"*{_SUFFIX}")), *available


def style_path(style: str | None) -> str | None:
    """What matplotlib knows a style by: a path, or a name of its own.

    Raises NodeError for a missing file.
    """
    if style is None:
        return None
    shipped = _STYLES / f"{style}{_SUFFIX}"
    if shipped.exists():
        return str(shipped)
    if _is_file(style) and not Path(style).is_file():
        raise NodeError(f"there is no style file {style!r}")
    return style


def _is_file(style: str) -> bool:
    return style.endswith(_SUFFIX) or "/" in style


def _panels(figure: Figure) -> list[Axes]:
    """The axes that show data."""
    return [ax for ax in figure.axes if ax.get_visible() and ax.get_label() != "<colorbar>"]


def _set_title(figure: Figure, title: str) -> None:
    """Write a title above the panels, as that of the legend above them if there is one: they share the place."""
    from matplotlib import rcParams
    from matplotlib.font_manager import FontProperties

    above = [legend for legend in figure.legends if getattr(legend, "_outside_loc", None) == "upper"]
    if above:
        above[0].set_title(title, FontProperties(size=rcParams["axes.titlesize"]))
    else:
        figure.suptitle(title, fontsize=rcParams["axes.titlesize"])


def _resize(figure: Figure, size: Size) -> None:
    """Set the size in inches; in a printed column panels keep their shape, and what is around them its height."""
    if isinstance(size, tuple):
        figure.set_size_inches(*size)
        return
    across, up = figure.get_size_inches()
    if across == WIDTHS[size]:
        return
    figure.draw_without_rendering()
    rows = {round(ax.get_position().y0, 3): ax.get_position().height for ax in _panels(figure)}
    panels = min(1.0, sum(rows.values()))
    figure.set_size_inches(WIDTHS[size], up * (1 - panels) + up * panels * WIDTHS[size] / across)


def _check_room(figure: Figure) -> None:
    """Refuse a size that has no room for what a figure shows. Raises NodeError."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        figure.draw_without_rendering()
    across, up = figure.get_size_inches()
    places = [ax.get_position() for ax in _panels(figure)]
    narrow = any(min(across * place.width, up * place.height) < _LEAST for place in places)
    if narrow or any("collapsed to zero" in str(warning.message) for warning in caught):
        raise NodeError(f"{across:g} x {up:g} inches are too small for what the figure shows")


def _set_scale(ax: Axes, side: str, scale: Scale) -> None:
    """Make an axis linear or logarithmic.

    With zeros among the data it is linear below the least positive number. Raises NodeError where there are
    negative numbers, no positive ones, or categories.
    """
    axis = ax.xaxis if side == "x" else ax.yaxis
    set_scale: Any = ax.set_xscale if side == "x" else ax.set_yscale
    if scale == "linear":
        if axis.get_scale() != "linear":  # to set it takes the ticks away, which may be categories
            set_scale("linear")
        return
    if _has_categories(axis):
        raise NodeError(f"the {side} axis has no numbers: it can't be logarithmic")
    numbers = _data(ax, side)
    positive = [number for number in numbers if number > 0]
    if not positive or min(numbers) < 0:
        raise NodeError("a logarithmic scale takes numbers above zero")
    if min(numbers) == 0:
        set_scale("symlog", linthresh=min(positive), linscale=0.5)
    else:
        set_scale("log")
    if side == "x" and len(distinct := sorted(set(numbers))) <= _TICKS:
        ax.set_xticks(distinct, [f"{number:g}" for number in distinct])
        ax.set_xticks([], minor=True)


def _has_categories(axis: Axis) -> bool:
    """Whether the ticks of an axis are fixed texts that are no numbers."""
    from matplotlib.ticker import FixedFormatter

    formatter = axis.get_major_formatter()
    texts = formatter.seq if isinstance(formatter, FixedFormatter) else ()
    return any(not re.fullmatch(r"[-+.e0-9]*", text) for text in texts)


def _data(ax: Axes, side: str) -> list[float]:
    """The finite numbers that the lines of an axis show."""
    import numpy as np

    lines = [line for line in ax.lines if line.get_transform() == ax.transData]
    data = [line.get_xdata() if side == "x" else line.get_ydata() for line in lines]
    return [
        number
        for numbers in data
        for number in np.asarray(numbers, float).ravel().tolist()
        if math.isfinite(number)
    ]
