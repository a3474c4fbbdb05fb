"""Shares of starts or sums over two swept parameters, as heat maps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from attrs import frozen

from flowlab.api import (
    CLASSES,
    Context,
    FigureLook,
    NodeError,
    NodeLabel,
    NodeSpec,
    Result,
    ValidationIssue,
    key_group,
    parameter,
    reference,
    with_look,
)
from flowlab.api.helpers.plotting import add_note, new_panels, readable_on, set_categories
from flowlab.api.helpers.swept_keys import (
    arrange_labels,
    check_keys,
    check_panels,
    labels_of,
    panel_title,
    swept_value,
)
from flowlab.components.figures.endpoints.shares import MeanShare, Share, mean_over_seeds, read_shares

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage

_ROOM = 0.5  # inches that an interval needs, margins of the panel included

# Of a panel: the shares by the values of the two keys.
Cells = dict[tuple[Any, Any], MeanShare]


@frozen
class FractionsMap:
    """The shares of starts or sums over two swept keys: a heat map per flow or analysis and class.

    Each cell has its share in percent, with several seeds the mean over seeds, and under it the interval, where
    there is room. All rows and columns are equally wide, whatever their values. Further swept keys make further
    panels.
    """

    analysis: tuple[str, ...] = reference(
        "analysis",
        many=True,
        gather=True,
        seeds=True,
        help="of the kinds class-fractions, virtual-point-stability and class-changes, repeated by two sweeps",
    )
    across: str = parameter(help="the swept key from left to right: the last part of its path, or the whole")
    up: str = parameter(help="the swept key from bottom to top")
    shares: tuple[str, ...] = parameter((), help="classes or other shares to show (default: all that occur)")
    columns: int = parameter(3, help="panels in a row", ge=1, le=4)
    look: FigureLook = key_group(FigureLook)

    def check(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> Iterator[ValidationIssue]:
        """Check that two sweeps vary the keys, and that others make no more panels than a page holds."""
        nodes = inputs.get("analysis", ())
        issues = list(check_keys(labels_of(nodes), {"across": self.across, "up": self.up}))
        yield from issues
        if issues:
            return
        for name in dict.fromkeys(node.name for node in nodes):
            labels = [label for label in labels_of(nodes) if label.name == name]
            values = [shown.values for shown in arrange_labels(labels, [self.across, self.up]).values()]
            columns, rows = ({repr(pair[side]) for pair in values} for side in (0, 1))
            if len({repr(pair) for pair in values}) < len(columns) * len(rows):
                rule = f"{self.across!r} and {self.up!r} vary together for {name!r}: cells would be empty"
                yield ValidationIssue("up", f"{rule}; fractions-over-sweep shows them along one axis")
        advice = "name the `shares` to show, or draw several figures"
        each = len(self.shares) or len(CLASSES)
        yield from check_panels("analysis", nodes, [self.across, self.up], advice, each)

    @with_look
    def build(self, context: Context, *, analysis: Mapping[NodeLabel, Any]) -> Result:
        """Draw the panels.

        Raises NodeError for another kind of analysis, one that the sweeps do not repeat, or no such shares.
        """
        panels = self._panels(analysis)
        figure, axes = new_panels(
            list(panels),
            self.columns,
            0.8,
            0.05,
            xlabel=self.across,
            ylabel=self.up,
            size=self.look.size,
        )
        in_a_row = len({ax.get_position().x0 for ax in axes})
        inches = figure.get_figwidth() / in_a_row
        for ax, cells in zip(axes, panels.values(), strict=True):
            image = _draw_cells(ax, cells, _has_room(cells, inches))
        bar = figure.colorbar(image, ax=axes, fraction=0.05, pad=0.015, aspect=30)
        bar.set_label("share (%)")
        bar.outline.set_visible(False)
        descriptions = dict.fromkeys(point.description for cells in panels.values() for point in cells.values())
        narrow = any(not _has_room(cells, inches) for cells in panels.values())
        hint = " (cells that are too narrow have no interval)" if narrow else ""
        add_note(figure, f"cells: {'; '.join(descriptions)}{hint}")
        return Result(figure)

    def _panels(self, analysis: Mapping[NodeLabel, Any]) -> dict[str, Cells]:
        """The cells of each panel by its title."""
        shown = arrange_labels(analysis, [self.across, self.up])
        shares = read_shares(analysis)
        lines = dict.fromkeys(share.line for share in shares)
        if unknown := [line for line in self.shares if line not in lines]:
            raise NodeError(f"there are no shares of {unknown[0]!r}, but of {', '.join(lines)}")
        places: dict[str, dict[tuple[Any, Any], list[Share]]] = {}
        for share in shares:
            across, up = shown[share.label].values
            title = panel_title(f"{share.panel}: {share.line}", shown[share.label].rest)
            cells = places.setdefault(title, {})
            cells.setdefault((_hashable(across), _hashable(up)), []).append(share)
        return {
            title: {place: mean_over_seeds(group) for place, group in cells.items()}
            for title, cells in places.items()
            if self._is_wanted([share for group in cells.values() for share in group])
        }

    def _is_wanted(self, shares: list[Share]) -> bool:
        """Whether the shares of a panel are to be seen: those named, else all but classes without an endpoint."""
        line = shares[0].line
        if self.shares:
            return line in self.shares
        return line not in CLASSES or any(share.share for share in shares)


def _hashable(value: Any) -> Any:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else swept_value(value)


def _ordered(values: list[Any]) -> list[Any]:
    """Numbers by size, others as they come."""
    return sorted(values) if all(isinstance(value, int | float) for value in values) else values


def _has_room(cells: Cells, inches: float) -> bool:
    """Whether the cells of a panel so wide have room for intervals."""
    return inches / len({across for across, _ in cells}) > _ROOM


def _draw_cells(ax: Axes, cells: Cells, with_intervals: bool) -> AxesImage:
    """Draw the cells of a panel with their shares; a place without a share stays empty."""
    import numpy as np
    from matplotlib.colors import to_hex

    columns, rows = (_ordered(list(dict.fromkeys(place[side] for place in cells))) for side in (0, 1))
    grid = np.full((len(rows), len(columns)), np.nan)
    for (across, up), point in cells.items():
        grid[rows.index(up), columns.index(across)] = 100 * point.share
    image = ax.imshow(grid, cmap="viridis", vmin=0, vmax=100, origin="lower", aspect="auto")
    for (across, up), point in cells.items():
        text = f"{100 * point.share:.0f}"
        if point.interval is not None and with_intervals:
            low, high = point.interval
            text += f"\n[{100 * low:.0f}, {100 * high:.0f}]"
        colour = readable_on(to_hex(image.cmap(point.share)))
        place = columns.index(across), rows.index(up)
        ax.text(*place, text, color=colour, ha="center", va="center", fontsize=5.5, linespacing=1.1)
    set_categories(ax, [swept_value(value) for value in columns])
    set_categories(ax, [swept_value(value) for value in rows], "y")
    return image
