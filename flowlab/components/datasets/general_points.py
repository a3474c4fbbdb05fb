"""From rows of numbers to a training set: points without a theory of their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from attrs import frozen

from flowlab.api import Context, NodeError, Result, training_set
from flowlab.api.fields import LONGEST, SHORTEST
from flowlab.api.helpers.training_set import points_table
from flowlab.components.datasets.array_file import FileContentError

if TYPE_CHECKING:
    import numpy as np

Anchor = int | Literal["auto"]


class AnchorError(FileContentError):
    """An anchor that is no row."""


def check_anchor(anchor: Anchor, rows: int) -> None:
    """Raise AnchorError for an anchor beyond the rows."""
    if anchor != "auto" and anchor >= rows:
        raise AnchorError(f"anchor row {anchor} of {rows} rows; the first is row 0")


def check_shape(shape: tuple[int, ...]) -> None:
    """Raise FileContentError for an array that doesn't hold two points or more."""
    if len(shape) < 2 or shape[0] < 2 or 0 in shape:
        shapes = "(points, dimension), (points, rows, columns) or (points, channels, rows, columns)"
        raise FileContentError(f"an array of shape {shape}, not two points or more: expected {shapes}")


@frozen(eq=False)
class Rows:
    """Rows (N, d) of finite numbers, at least two of them distinct; `counts` say how often each stands there.

    `shape` is that of one point, where the rows are images. Raises FileContentError for other rows.
    """

    values: np.ndarray
    shape: tuple[int, ...] = ()
    counts: tuple[int, ...] = ()

    @classmethod
    def of(cls, array: np.ndarray, counts: Sequence[int] = ()) -> Rows:
        """The rows of an array (N, ...): what is behind the first axis is one point.

        Raises FileContentError.
        """
        import numpy as np

        check_shape(array.shape)
        with np.errstate(over="ignore"):
            values = array.reshape(len(array), -1).astype(np.float64)
        finite = np.isfinite(values)
        if not finite.all():
            row = int(np.argmin(finite.all(1)))
            raise FileContentError(f"row {row} has a value that is not finite: leave it out, or mend it")
        if (values == values[0]).all():
            raise FileContentError("all rows are the same point, not two points or more")
        largest = np.abs(values).max()
        if not SHORTEST <= largest <= LONGEST:
            rule = f"the largest coordinate has to be {SHORTEST:g} to {LONGEST:g} in size"
            raise FileContentError(f"it holds {largest:g}: {rule}")
        return cls(values, array.shape[1:] if array.ndim > 2 else (), tuple(counts) or (1,) * len(values))

    def check_anchor(self, anchor: Anchor) -> None:
        """Raise AnchorError for an anchor beyond the rows."""
        check_anchor(anchor, len(self.values))

    def build(self, anchor: Anchor, samples: int, context: Context) -> Result:
        """The training set; equal rows are one point, with noisy samples of its own each time.

        Raises NodeError where two points are one in the precision asked for.
        """
        import torch

        from flowlab.theory.convex_programs.wide_vertex import wide_vertex
        from flowlab.theory.geometry.geometry import Geometry
        from flowlab.theory.geometry.polytope import box
        from flowlab.theory.geometry.simplex import affinely_independent

        counts: dict[tuple[float, ...], int] = {}  # in the order of the file
        for row, count in zip(map(tuple, self.values.tolist()), self.counts, strict=True):
            counts[row] = counts.get(row, 0) + count
        distinct = list(counts)
        points = torch.tensor(distinct, dtype=torch.float64).to(context.device, context.dtype)
        if len(points.unique(dim=0)) < len(points):
            raise NodeError(f"two points are one in {context.dtype}: set dtype = 'float64' in [experiment]")
        wide = wide_vertex(points)
        start = (wide or 0) if anchor == "auto" else distinct.index(tuple(self.values[anchor].tolist()))
        origin = points[start]
        edges = torch.cat([points[:start], points[start + 1 :]]) - origin
        independent = affinely_independent(points)
        geometry = Geometry(points, origin, edges, cell=box(origin, edges) if independent else None)
        metrics: dict[str, Any] = {
            "points": len(points),
            "rows": int(sum(self.counts)),
            "dimension": points.shape[1],
            "smallest_gap": torch.nn.functional.pdist(points).min().item(),
            "box": independent,
            "anchor": self.values.tolist().index(list(distinct[start])),
            "edges_wide": start == wide,
        }
        if self.shape:
            metrics["shape"] = list(self.shape)
        training = training_set(
            geometry, samples, context, repeats=tuple(counts.values()), shape=self.shape or None
        )
        return Result(training, metrics, {"points": points_table(points)})


def anchor_headline(result: Result) -> str:
    """How many points there are, where their sums start, and whether a theory of sums is about such points."""
    metrics = result.metrics
    angles = "all edges there meet at 90 degrees or more"
    if not metrics["edges_wide"]:
        angles = "some edges there meet at less than 90 degrees, and no theorem is about such sums"
    return f"{metrics['points']} points, sums start at row {metrics['anchor']}: {angles}"
