"""One panel of the plane: a flow, its velocity field and its ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import frozen

from flowlab.api import CLASSES, Trajectories
from flowlab.api.helpers.plotting import CLASS_COLOURS, CLASS_MARKERS, NOTE
from flowlab.components.figures.plane.section import Section, numbers

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.image import AxesImage
    from matplotlib.lines import Line2D
    from numpy.typing import NDArray
    from torch import Tensor

    Array = NDArray[Any]

# Drawing order, from the background up.
_FIELD, _STREAM, _CELL, _PATH, _END, _VIRTUAL, _TRAINING, _NAME = range(8)


@frozen
class Field:
    """The field h(y) - y on a grid of the plane.

    across (K,) and up (K,) are the coordinates of the grid, strength (K, K) is |h(y) - y|. arrows (K', K', 2) are
    the in-plane components on a coarser grid, every `stride` points.
    """

    across: Array
    up: Array
    strength: Array
    arrows: Array
    stride: int


@frozen
class Panel:
    """A flow to draw: its label, its trajectories, the classes (S,) of its ends, and the plane."""

    label: str
    flow: Trajectories
    classes: Tensor
    section: Section

    @property
    def level(self) -> int:
        """The level of the bank where the flow ends, counted from the front."""
        return self.flow.level % len(self.flow.bank.sigma)

    @property
    def title(self) -> str:
        """The name of the flow's node, the type of flow, and the noise level of the field."""
        sigma = float(self.flow.bank.sigma[self.level])
        return f"{self.label} ({self.flow.name} flow)\nfield at $\\sigma = {_scientific(sigma)}$"

    def field(self, low: Array, high: Array, resolution: int) -> Field:
        """Evaluate the field of the denoiser between two corners of the plane, low (2,) and high (2,)."""
        import numpy as np

        stride = 4
        side = stride * (resolution - 1) + 1
        across, up = (np.linspace(low[k], high[k], side) for k in range(2))
        y = self.section.lift(np.stack(np.meshgrid(across, up), axis=-1).reshape(-1, 2))
        field = self.flow.bank.denoise(y, self.level).detach() - y
        arrows = self.section.arrows(field).reshape(side, side, 2)[::stride, ::stride]
        return Field(across, up, numbers(field.norm(dim=-1)).reshape(side, side), arrows, stride)

    def draw(self, ax: Axes, field: Field, paths: int, colours: Colormap, strongest: float) -> AxesImage:
        """Draw the panel on the axes, and return the image of the strength for a colour bar."""
        ax.set_title(self.title, linespacing=1.35)
        for side in ("top", "right"):
            ax.spines[side].set_visible(True)
        image = self._field(ax, field, colours, strongest)
        outline = self.section.outline
        if outline is not None:
            ax.fill(*outline.T, fill=False, ec=NOTE, lw=0.7, ls=(0, (4, 2)), zorder=_CELL)
        self._paths(ax, paths)
        self._points(ax)
        return image

    def _field(self, ax: Axes, field: Field, colours: Colormap, strongest: float) -> AxesImage:
        half_x, half_y = ((s[1] - s[0]) / 2 for s in (field.across, field.up))
        image = ax.imshow(
            field.strength,
            cmap=colours,
            vmin=0,
            vmax=strongest,
            origin="lower",
            interpolation="bilinear",
            extent=(
                field.across[0] - half_x,
                field.across[-1] + half_x,
                field.up[0] - half_y,
                field.up[-1] + half_y,
            ),
            zorder=_FIELD,
        )
        ax.streamplot(
            field.across[:: field.stride],
            field.up[:: field.stride],
            field.arrows[..., 0],
            field.arrows[..., 1],
            color="white",
            linewidth=0.55,
            arrowsize=0.45,
            density=0.75,
            zorder=_STREAM,
        )
        return image

    def _paths(self, ax: Axes, paths: int) -> None:
        """Draw trajectories in the colour of their ends, and all ends with the marker of their class."""
        from matplotlib.collections import LineCollection

        states = self.section.project(self.flow.states[:, :paths]).swapaxes(0, 1)
        labels = numbers(self.classes).astype(int)
        ends = self.section.project(self.flow.ends)
        colours = [CLASS_COLOURS[CLASSES[k]] for k in labels[:paths]]
        ax.add_collection(
            LineCollection(list(states), colors=colours, linewidths=0.6, alpha=0.7, zorder=_PATH),
            autolim=False,
        )
        for k, name in enumerate(CLASSES):
            ax.scatter(
                ends[labels == k, 0],
                ends[labels == k, 1],
                s=9,
                marker=CLASS_MARKERS[name],
                color=CLASS_COLOURS[name],
                edgecolors="white",
                linewidths=0.25,
                zorder=_END,
                label=name,
            )

    def _points(self, ax: Axes) -> None:
        """Draw training points with their names, and virtual points."""
        import numpy as np
        from matplotlib.patheffects import withStroke

        hollow: dict[str, Any] = {"facecolors": "none", "edgecolors": "black", "linewidths": 0.9}
        virtual = self.section.virtual
        ax.scatter(virtual[:, 0], virtual[:, 1], s=34, marker="D", zorder=_VIRTUAL, **hollow)
        training = self.section.training
        places = np.stack(list(training.values()))
        filled: dict[str, Any] = {"color": "black", "edgecolors": "white", "linewidths": 0.5}
        ax.scatter(places[:, 0], places[:, 1], s=22, zorder=_TRAINING, **filled)
        outline = self.section.outline
        middle = (places if outline is None else outline).mean(0)
        across = _across(places)
        for n, place in training.items():
            outward = place - middle if across is None else across
            outward = outward / (float(np.hypot(*outward)) or 1.0)
            ax.annotate(
                f"$x_{{{n}}}$",
                (place[0], place[1]),
                xytext=tuple(9 * outward),
                textcoords="offset points",
                ha="center",
                va="center",
                fontsize=8,
                zorder=_NAME,
                path_effects=[withStroke(linewidth=1.8, foreground="white")],
            )

    def legend(self, ax: Axes, labelled: bool, ncols: int) -> None:
        """Draw a legend of the classes and their counts under the panel, below its axis label if it has one."""
        ax.legend(
            handles=self._counts(),
            loc="upper center",
            bbox_to_anchor=(0.5, 0),
            borderaxespad=4.2 if labelled else 0.8,
            ncols=ncols,
            columnspacing=0.9,
            handlelength=1,
            handletextpad=0.3,
            labelcolor=NOTE,
        )

    def _counts(self) -> list[Line2D]:
        """A legend entry for each class that occurs, with its count."""
        from matplotlib.lines import Line2D

        counts = [int((self.classes == k).sum()) for k in range(len(CLASSES))]
        return [
            Line2D(
                [],
                [],
                ls="",
                marker=CLASS_MARKERS[name],
                color=CLASS_COLOURS[name],
                label=f"{name} {count}",
            )
            for name, count in zip(CLASSES, counts, strict=True)
            if count
        ]


def _across(places: Array) -> Array | None:
    """The direction perpendicular to points on one line, for their names; None for other points."""
    import numpy as np

    _, sizes, axes = np.linalg.svd(places - places.mean(0))
    return axes[1] * np.sign(axes[1].sum()) if sizes[-1] <= 1e-6 * sizes[0] else None


def _scientific(value: float) -> str:
    """A number with two digits in mathematical notation: 0.05, 1 \\times 10^{-8}."""
    digits, _, power = f"{value:.2g}".partition("e")
    return rf"{digits} \times 10^{{{int(power)}}}" if power else digits
