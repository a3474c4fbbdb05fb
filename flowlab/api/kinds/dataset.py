"""What a dataset builds: a training set."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from attrs import frozen

if TYPE_CHECKING:
    from torch import Tensor

    from flowlab.theory.geometry.geometry import Geometry


@frozen
class TrainingSet:
    """What a dataset builds: the geometry, and its noisy samples with `samples` per point.

    `counts` says how often each point is in the training set; None if all are in it once.
    """

    geometry: Geometry
    samples: int
    draw: Callable[[Tensor], Tensor]  # sigma (L,) -> noisy samples (L, N, M, d), the same at every call
    counts: tuple[int, ...] | None = None
    shape: tuple[int, ...] | None = (
        None  # of a point that is an image: (rows, columns) or (channels, rows, columns)
    )
