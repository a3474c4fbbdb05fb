"""Training points from a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

from attrs import frozen

from flowlab.api import (
    Context,
    NodeError,
    NodeSpec,
    Result,
    TrainingSetSpec,
    ValidationIssue,
    file_path,
    parameter,
)
from flowlab.components.datasets.array_file import (
    FileContentError,
    ForeignFileError,
    TensorFile,
    read_npy,
    read_npy_header,
)
from flowlab.components.datasets.csv_file import CsvFile
from flowlab.components.datasets.general_points import (
    AnchorError,
    Rows,
    anchor_headline,
    check_anchor,
    check_shape,
)

_FORMATS = (".npy", ".csv", ".safetensors")
_CHECKED_BYTES = 1 << 24
_REFUSED = (FileContentError, OSError, MemoryError)


@frozen
class PointsFile:
    """Training points from a .npy, .csv or .safetensors file with one row per point; no closed form.

    Virtual points are sums x_a + sum_{n in I} (x_n - x_a), where a is the anchor row. If the edges are linearly
    independent, their box is the cell for the classes of endpoints. A row that is in the file several times is one
    point, with noisy samples of its own each time. An array of shape (N, rows, columns) or (N, channels, rows,
    columns) holds N images. A file is read as data: a pickle is never opened.
    """

    path: str = file_path(help="the file")
    key: str | None = parameter(None, help="name of the tensor in a .safetensors file")
    columns: tuple[str, ...] = parameter((), help="columns of a .csv file that are coordinates (default: all)")
    repeats: str | None = parameter(None, help="column of a .csv file that says how often each row stands")
    header: bool | None = parameter(
        None, help="whether the first line of a .csv file has names (default: if a value in it is no number)"
    )
    anchor: int | Literal["auto"] = parameter(
        "auto",
        help="row at which subset sums start; auto: where all edges meet at 90 degrees or more, else row 0",
        ge=0,
    )
    samples: int = parameter(100, help="noisy samples per point, M", ge=1)

    def check(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> Iterator[ValidationIssue]:
        """Check the file's name, and its content up to 16 MiB; of a larger file, what its head says."""
        path = Path(self.path)
        if path.suffix not in _FORMATS:
            yield ValidationIssue("path", f"only {', '.join(_FORMATS)} files hold points, found {path.name!r}")
            return
        if path.suffix != ".csv" and (self.columns or self.repeats or self.header is not None):
            field = "columns" if self.columns else "repeats" if self.repeats else "header"
            yield ValidationIssue(field, "only a .csv file has columns and a line of names")
        if not path.is_file():
            yield ValidationIssue("path", f"there is no file {self.path!r}")
            return
        try:
            if path.stat().st_size <= _CHECKED_BYTES:
                self._read().check_anchor(self.anchor)
            else:
                self._check_head()
        except AnchorError as error:
            yield ValidationIssue("anchor", str(error))
        except ForeignFileError as error:
            rule = f"only {', '.join(_FORMATS)} files hold points, and a pickle is never opened"
            yield ValidationIssue("path", f"{rule}: {self.path!r}: {error}")
        except _REFUSED as error:
            yield ValidationIssue("path", self._complaint(error))

    def _check_head(self) -> None:
        """Raise FileContentError, OSError for what the head of a large file tells."""
        path = Path(self.path)
        if path.suffix == ".csv":
            return
        shape = read_npy_header(path).shape if path.suffix == ".npy" else TensorFile(path).shape(self.key)
        check_shape(shape)
        check_anchor(self.anchor, shape[0])

    def value_spec(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> TrainingSetSpec:
        """What is known of the training set before the run."""
        return TrainingSetSpec(samples=self.samples, closed_form=False, separable=False, axis_box=False)

    def build(self, context: Context) -> Result:
        """Read the points and build their geometry.

        Raises NodeError unless the file holds finite rows, two or more of them distinct, and the anchor row.
        """
        try:
            rows = self._read()
            rows.check_anchor(self.anchor)
        except _REFUSED as error:
            raise NodeError(self._complaint(error)) from error
        return rows.build(self.anchor, self.samples, context)

    def headline(self, result: Result) -> str:
        """The number of points, and where their sums start."""
        return anchor_headline(result)

    def _complaint(self, error: Exception) -> str:
        reason = getattr(error, "strerror", None) or str(error)
        if isinstance(error, MemoryError):
            reason = "it needs more memory than there is"
        return f"can't read points from {self.path!r}: {reason}"

    def _read(self) -> Rows:
        path = Path(self.path)
        match path.suffix:
            case ".npy":
                return Rows.of(read_npy(path))
            case ".csv":
                values, counts = CsvFile(path, self.header).read(self.columns, self.repeats)
                return Rows.of(values, counts or ())
            case ".safetensors":
                return Rows.of(TensorFile(path).read(self.key))
        raise FileContentError(f"only {', '.join(_FORMATS)} files hold points")
