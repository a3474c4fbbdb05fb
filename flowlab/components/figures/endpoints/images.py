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
    FigureLook,
    NodeError,
    NodeSpec,
    Result,
    TrainingSet,
    ValidationIssue,
    key_group,
    parameter,
    reference,
    with_look,
)
from flowlab.api.helpers.plotting import CLASS_COLOURS, INK, WIDTHS, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from torch import Tensor

    from flowlab.api import Geometry


@frozen
class Images:
    """The endpoints of flows on images, as images: one row per flow, with the class above each image.

    The first row has the training points, a sample of them if there are many, and the point c at which subset sums
    start. For each class the other rows show the first endpoints that differ by more than the classifier's
    threshold. Larger values are darker, unless images have three channels. Values outside the range of the
    training points are clipped.
    """

    classifier: tuple[str, ...] = reference("classifier", many=True, help="classified endpoints to show")
    most: int = parameter(4, help="most images of each class in a row", ge=1)
    points: int = parameter(20, help="most training points in the first row", ge=1)
    shape: tuple[int, ...] | None = parameter(
        None,
        help="rows and columns of an image, or 3, rows, columns (default: that of the data, or a square)",
        ge=1,
    )
    look: FigureLook = key_group(FigureLook)

    def check(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> Iterator[ValidationIssue]:
        """Check that the points have as many coordinates as an image of the given shape has pixels."""
        flows = (flow for node in inputs["classifier"] for flow in (node.value_spec.flows or {}).values())
        for dimension in {flow.bank.training.dimension for flow in flows} - {None}:
            if self.shape is not None and not _is_picture(self.shape, dimension):
                yield ValidationIssue("shape", _complain(self.shape, dimension))

    @with_look
    def build(self, context: Context, *, classifier: Mapping[str, Classes]) -> Result:
        """Draw the rows.

        Raises NodeError where the points are no images of that shape.
        """
        rows: list[tuple[str, list[tuple[str, str, Tensor]]]] = []
        for classes in classifier.values():
            for flow, path in classes.flows.items():
                if not rows:
                    training = path.bank.training
                    rows.append(self._training_row(training.geometry))
                rows.append((flow, self._ends(classes, flow)))
        geometry = training.geometry
        scale = float(geometry.points.min()), float(geometry.points.max())
        shape = self._shape(training)
        columns = max(len(pictures) for _, pictures in rows)
        aspect = len(rows) * (shape[-2] / shape[-1] * WIDTHS["double"] / columns + 0.2) / WIDTHS["double"]
        figure, axes = new_figure("double", aspect, rows=len(rows), columns=columns)
        for line, (name, pictures) in zip(axes, rows, strict=True):
            for ax in line:
                ax.set(xticks=[], yticks=[])
                ax.spines[:].set_visible(False)
            for ax, (title, colour, picture) in zip(line, pictures, strict=False):
                _draw(ax, picture.reshape(shape), title, colour, *scale)
            line[0].set_ylabel(name, rotation=0, ha="right", va="center")
        return Result(figure)

    def _training_row(self, geometry: Geometry) -> tuple[str, list[tuple[str, str, Tensor]]]:
        """The name of the first row, and its images; of many points evenly spaced ones in their order."""
        count = len(geometry.points)
        shown = min(self.points, count)
        chosen = [place * count // shown for place in range(shown)]
        name = "training" if shown == count else f"training\n{shown} of {count:,}"
        known = [(f"$x_{{{n}}}$", INK, geometry.points[n]) for n in chosen]
        return name, [*known, ("$c$", INK, geometry.anchor)]

    def _shape(self, training: TrainingSet) -> tuple[int, ...]:
        """The rows and columns of an image, behind its channels if it has three.

        Raises NodeError unless they have as many pixels as there are coordinates.
        """
        dimension = training.geometry.points.shape[1]
        side = math.isqrt(dimension)
        shape = self.shape or training.shape or (side, side)
        if len(shape) == 3 and shape[0] == 1:
            shape = shape[1:]
        if not _is_picture(shape, dimension):
            raise NodeError(
                f"{_complain(shape, dimension)}: set shape to rows and columns, or to 3, rows, columns"
            )
        return shape

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


def _is_picture(shape: tuple[int, ...], dimension: int) -> bool:
    """Whether so many coordinates are a picture of rows and columns, grey or of three channels."""
    return math.prod(shape) == dimension and (len(shape) == 2 or (len(shape) == 3 and shape[0] in (1, 3)))


def _complain(shape: tuple[int, ...], dimension: int) -> str:
    return f"{dimension} coordinates are no picture of {' x '.join(map(str, shape))} pixels"


def _draw(ax: Axes, picture: Tensor, title: str, colour: str, low: float, high: float) -> None:
    pixels = picture.detach().cpu().numpy()
    if pixels.ndim == 3:
        share = (pixels - low) / (high - low)
        ax.imshow(share.clip(0, 1).transpose(1, 2, 0), interpolation="nearest")
    else:
        ax.imshow(pixels, cmap="Greys", vmin=low, vmax=high, interpolation="nearest")
    ax.set_title(title, color=colour, fontsize=5.5, pad=2)
    ax.spines[:].set(visible=True, color=colour, linewidth=0.7)
