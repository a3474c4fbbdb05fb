"""Endpoints as images."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from attrs import frozen

from flowlab.api import (
    CLASSES,
    Classes,
    Context,
    NodeError,
    NodeSpec,
    Result,
    ValidationIssue,
    parameter,
    reference,
)
from flowlab.api.helpers.plotting import CLASS_COLOURS, INK, WIDTHS, house_style, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from torch import Tensor


@frozen
class Images:
    """The endpoints of flows on images, as images: one row per flow, with the class above each image.

    The first row has the training points and the point c at which subset sums start. For each class it shows the
    first endpoints that differ by more than the classifier's threshold. Larger values are darker; values outside
    the range of the training points are clipped.
    """

    classifier: tuple[str, ...] = reference("classifier", many=True, help="classified endpoints to show")
    most: int = parameter(4, help="most images of each class in a row", ge=1)
    shape: tuple[int, int] | None = parameter(None, help="rows and columns of an image (default: a square)", ge=1)

    def check(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> Iterator[ValidationIssue]:
        """Check that the points have as many coordinates as an image has pixels."""
        flows = (flow for node in inputs["classifier"] for flow in (node.value_spec.flows or {}).values())
        for dimension in {flow.bank.training.dimension for flow in flows} - {None}:
            rows, columns = self._size(dimension)
            if rows * columns != dimension:
                yield ValidationIssue(
                    "shape", f"{dimension} coordinates are no picture of {rows} x {columns} pixels"
                )

    @house_style()
    def build(self, context: Context, *, classifier: Mapping[str, Classes]) -> Result:
        """Draw the rows.

        Raises NodeError where the points are no images of that shape.
        """
        rows: list[tuple[str, list[tuple[str, str, Tensor]]]] = []
        for classes in classifier.values():
            for flow, path in classes.flows.items():
                geometry = path.bank.training.geometry
                if not rows:
                    known = [(f"$x_{{{n}}}$", INK, x) for n, x in enumerate(geometry.points)]
                    rows.append(("training", [*known, ("$c$", INK, geometry.anchor)]))
                rows.append((flow, self._ends(classes, flow)))
        _, (*training, _) = rows[0]
        low = min(float(picture.min()) for *_, picture in training)
        high = max(float(picture.max()) for *_, picture in training)
        shape = self._shape(len(training[0][2]))
        columns = max(len(pictures) for _, pictures in rows)
        aspect = len(rows) * (shape[0] / shape[1] * WIDTHS["double"] / columns + 0.2) / WIDTHS["double"]
        figure, axes = new_figure("double", aspect, rows=len(rows), columns=columns)
        for line, (name, pictures) in zip(axes, rows, strict=True):
            for ax in line:
                ax.set(xticks=[], yticks=[])
                ax.spines[:].set_visible(False)
            for ax, (title, colour, picture) in zip(line, pictures, strict=False):
                _draw(ax, picture.reshape(shape), title, colour, low, high)
            line[0].set_ylabel(name, rotation=0, ha="right", va="center")
        return Result(figure)

    def _shape(self, dimension: int) -> tuple[int, int]:
        """The rows and columns of an image.

        Raises NodeError unless they have as many pixels as there are coordinates.
        """
        rows, columns = self._size(dimension)
        if rows * columns != dimension:
            raise NodeError(f"{dimension} coordinates are no picture of {rows} x {columns} pixels: set shape")
        return rows, columns

    def _size(self, dimension: int) -> tuple[int, int]:
        side = math.isqrt(dimension)
        return self.shape or (side, side)

    def _ends(self, classes: Classes, flow: str) -> list[tuple[str, str, Tensor]]:
        """The title, colour and endpoint (d,) of the images of a flow, in the order of the classes."""
        from flowlab.theory.geometry.subset_sums import norm

        images: list[tuple[str, str, Tensor]] = []
        distance = classes.distance(flow)
        for k, name in enumerate(CLASSES):
            different: list[Tensor] = []
            for end in classes.flows[flow].ends[classes.labels[flow] == k]:
                if len(different) == self.most:
                    break
                if all(norm(end - other, classes.metric) > distance for other in different):
                    different.append(end)
            images += [(name, CLASS_COLOURS[name], end) for end in different]
        return images


def _draw(ax: Axes, picture: Tensor, title: str, colour: str, low: float, high: float) -> None:
    ax.imshow(picture.detach().cpu().numpy(), cmap="Greys", vmin=low, vmax=high, interpolation="nearest")
    ax.set_title(title, color=colour, fontsize=5.5, pad=2)
    ax.spines[:].set(visible=True, color=colour, linewidth=0.7)
