"""Training points from a file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import frozen

from flowlab.api import (
    Context,
    NodeError,
    NodeSpec,
    Result,
    TrainingSetSpec,
    ValidationIssue,
    parameter,
    training_set,
)
from flowlab.api.fields import LONGEST, SHORTEST
from flowlab.api.helpers.training_set import points_table

if TYPE_CHECKING:
    import numpy as np

# the first bytes of each format, and their position
_FORMATS = {".npy": (b"\x93NUMPY", 0), ".csv": (b"", 0), ".safetensors": (b"{", 8)}
_OBJECTS = b"'|O'"  # the type of an array of Python objects, which are pickled, in the header of a .npy file


@frozen
class PointsFile:
    """Training points from a .npy, .csv or .safetensors file with one row per point; no closed form.

    Virtual points are sums x_a + sum_{n in I} (x_n - x_a), where a is the anchor row. If the edges are linearly
    independent, their box is the cell for the classes of endpoints. A row that is in the file several times is one
    point, with noisy samples of its own each time.
    """

    path: str = parameter(help="the file, relative to the current folder")
    key: str | None = parameter(None, help="name of the tensor in a .safetensors file")
    anchor: int = parameter(0, help="row at which subset sums start", ge=0)
    samples: int = parameter(100, help="noisy samples per point, M", ge=1)

    def check(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> Iterator[ValidationIssue]:
        """Check that the file exists and has a known format, by name and content; a pickle is never opened."""
        path = Path(self.path)
        if path.suffix not in _FORMATS:
            yield ValidationIssue("path", f"only {', '.join(_FORMATS)} files hold points, found {path.name!r}")
        elif not path.is_file():
            yield ValidationIssue("path", f"there is no file {self.path!r}")
        elif not self._content_matches():
            rule = f"only {', '.join(_FORMATS)} files hold points"
            yield ValidationIssue(
                "path", f"{rule}: by its content {path.name!r} is none, and a pickle is never opened"
            )

    def _content_matches(self) -> bool:
        try:
            with open(self.path, "rb") as file:
                head = file.read(128)
        except OSError:
            return True  # build reports the error
        mark, at = _FORMATS[Path(self.path).suffix]
        return not head or (head.startswith(mark, at) and _OBJECTS not in head)

    def value_spec(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> TrainingSetSpec:
        """What is known of the training set before the run."""
        return TrainingSetSpec(samples=self.samples, closed_form=False, separable=False, axis_box=False)

    def reads(self) -> tuple[str, ...]:
        """The files whose content determines the result, besides the parameters."""
        return (self.path,)

    def build(self, context: Context) -> Result:
        """Read the points and build their geometry.

        Raises NodeError unless the file holds finite rows, two or more of them distinct, and the anchor row.
        """
        import torch

        from flowlab.theory.geometry.geometry import Geometry
        from flowlab.theory.geometry.polytope import box
        from flowlab.theory.geometry.simplex import affinely_independent

        rows = self._rows()
        if self.anchor >= len(rows):
            raise NodeError(f"anchor row {self.anchor} of {self.path!r}, which has {len(rows)} rows")
        counts = Counter(map(tuple, rows.tolist()))  # in the order of the file
        distinct = list(counts)
        anchor = distinct.index(tuple(rows[self.anchor].tolist()))
        points = torch.tensor(distinct, dtype=torch.float64).to(context.device, context.dtype)
        origin = points[anchor]
        edges = torch.cat([points[:anchor], points[anchor + 1 :]]) - origin
        independent = affinely_independent(points)
        geometry = Geometry(points, origin, edges, cell=box(origin, edges) if independent else None)
        metrics = {
            "points": len(points),
            "rows": len(rows),
            "dimension": points.shape[1],
            "smallest_gap": torch.nn.functional.pdist(points).min().item(),
            "box": independent,
        }
        training = training_set(geometry, self.samples, context, repeats=tuple(counts.values()))
        return Result(training, metrics, {"points": points_table(points)})

    def _rows(self) -> np.ndarray:
        import numpy as np

        try:
            array = self._read()
            if array.dtype.kind not in "iuf":
                raise ValueError(f"values of type {array.dtype} are not real numbers")
            rows = array.astype(np.float64)
        except (OSError, EOFError, TypeError, ValueError, KeyError) as error:  # EOFError: an empty .npy
            raise NodeError(f"can't read points from {self.path!r}: {error}") from error
        if rows.ndim != 2 or len(np.unique(rows, axis=0)) < 2:
            raise NodeError(f"{self.path!r} holds an array of shape {rows.shape}, not two points or more")
        if not np.isfinite(rows).all():
            raise NodeError(f"{self.path!r} holds values that are not finite")
        if not SHORTEST <= (largest := np.abs(rows).max()) <= LONGEST:
            rule = f"the largest coordinate has to be {SHORTEST:g} to {LONGEST:g} in size"
            raise NodeError(f"{self.path!r} holds {largest:g}: {rule}")
        return rows

    def _read(self) -> np.ndarray:
        import numpy as np

        match Path(self.path).suffix:
            case ".npy":
                return np.asarray(np.load(self.path, allow_pickle=False))
            case ".csv":
                return np.loadtxt(self.path, delimiter=",", ndmin=2, encoding="utf-8-sig")
            case ".safetensors":
                return self._tensor()
        raise ValueError(f"only {', '.join(_FORMATS)} files hold points")

    def _tensor(self) -> np.ndarray:
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        try:
            tensors = load_file(self.path)
        except SafetensorError as error:
            raise ValueError(str(error)) from error
        if self.key is None and len(tensors) == 1:
            return next(iter(tensors.values()))
        if self.key not in tensors:
            raise ValueError(f"key must be one of {sorted(tensors)}, found {self.key!r}")
        return tensors[self.key]
