"""Training points from a folder of images."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

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
from flowlab.components.datasets.array_file import FileContentError
from flowlab.components.datasets.general_points import AnchorError, Rows, anchor_headline

if TYPE_CHECKING:
    import numpy as np

# raster images alone: others, such as EPS, are programs
_FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "PPM")
_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".pgm", ".ppm", ".pnm"})
_CHECKED_BYTES = 1 << 24
_CHECKED_IMAGES = 100


@frozen
class ImageFolder:
    """Training points from the images of a folder, one per image; no closed form.

    All images in the folder and those below it are taken, in the order of their paths. They have one size. The
    values of pixels are 0 to 1. Equal images are one point, with noisy samples of its own each time.
    """

    path: str = file_path(help="the folder")
    channels: Literal["grey", "colour"] = parameter("grey", help="one value per pixel, or red, green and blue")
    most: int | None = parameter(None, help="take the first images only, so many (default: all)", ge=2)
    anchor: int | Literal["auto"] = parameter(
        "auto",
        help="row at which subset sums start; auto: where all edges meet at 90 degrees or more, else row 0",
        ge=0,
    )
    samples: int = parameter(100, help="noisy samples per point, M", ge=1)

    def check(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> Iterator[ValidationIssue]:
        """Check that the folder has images of one size: up to 16 MiB all of them, else the first hundred."""
        if not Path(self.path).is_dir():
            yield ValidationIssue("path", f"there is no folder {self.path!r}")
            return
        files = self._files()
        small = sum(file.stat().st_size for file in files) <= _CHECKED_BYTES
        try:
            rows = self._rows(files if small else files[:_CHECKED_IMAGES])
            if small:
                rows.check_anchor(self.anchor)
        except NodeError as error:
            yield ValidationIssue("path", str(error))
        except AnchorError as error:
            yield ValidationIssue("anchor", str(error))

    def value_spec(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> TrainingSetSpec:
        """What is known of the training set before the run."""
        return TrainingSetSpec(samples=self.samples, closed_form=False, separable=False, axis_box=False)

    def build(self, context: Context) -> Result:
        """Read the images and build their geometry.

        Raises NodeError unless there are two different images or more, all of one size.
        """
        rows = self._rows(self._files())
        try:
            rows.check_anchor(self.anchor)
        except AnchorError as error:
            raise NodeError(str(error)) from error
        return rows.build(self.anchor, self.samples, context)

    def headline(self, result: Result) -> str:
        """The number of points, and where their sums start."""
        return anchor_headline(result)

    def _files(self) -> list[Path]:
        """The images, in the order of their paths below the folder; hidden ones are left out."""
        files = []
        for above, folders, names in os.walk(self.path):
            folders[:] = [name for name in folders if not name.startswith(".")]
            files += [Path(above) / name for name in names if not name.startswith(".")]
        images = [file for file in files if file.suffix.lower() in _SUFFIXES]
        return sorted(images, key=lambda file: file.relative_to(self.path).as_posix())[: self.most]

    def _rows(self, files: list[Path]) -> Rows:
        """The images as rows.

        Raises NodeError.
        """
        import numpy as np

        if len(files) < 2:
            raise NodeError(
                f"{self.path!r} has {len(files)} images; two or more are needed ({', '.join(_FORMATS)})"
            )
        try:
            images = [self._image(file) for file in files]
            for file, image in zip(files, images, strict=True):
                if image.shape != images[0].shape:
                    sizes = f"{_size(image)} pixels, and {files[0].name!r} has {_size(images[0])}"
                    raise FileContentError(f"{str(file)!r} has {sizes}: bring all images to one size")
            return Rows.of(np.stack(images))
        except (FileContentError, OSError, MemoryError) as error:
            reason = str(error) or "they need more memory than there is"
            raise NodeError(f"can't read images from {self.path!r}: {reason}") from error

    def _image(self, file: Path) -> np.ndarray:
        """The pixels of an image, 0 to 1: (rows, columns), or (3, rows, columns).

        Raises FileContentError.
        """
        import numpy as np
        from PIL import Image

        try:
            with warnings.catch_warnings(action="error"), Image.open(file, formats=_FORMATS) as image:
                if image.mode.startswith("I"):  # 16 bits, which PIL would cut off at 255
                    grey = np.asarray(image, dtype=np.float64) / 65535
                    return grey if self.channels == "grey" else np.stack([grey] * 3)
                pixels = np.asarray(image.convert("L" if self.channels == "grey" else "RGB")) / 255
        except Exception as error:  # a damaged image may break its reader anywhere
            raise FileContentError(f"{str(file)!r} can't be read as an image: save it again, as PNG") from error
        return pixels if self.channels == "grey" else pixels.transpose(2, 0, 1)


def _size(image: np.ndarray) -> str:
    """Columns and rows of an image, as people write them."""
    return f"{image.shape[-1]} x {image.shape[-2]}"
