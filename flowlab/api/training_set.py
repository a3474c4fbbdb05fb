"""From a geometry to a training set: the noisy samples that every denoiser of a dataset shares."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowlab.api.context import Context
from flowlab.api.result import Table
from flowlab.api.work import TrainingSet

if TYPE_CHECKING:
    from torch import Tensor

    from flowlab.theory.geometry import Geometry


def training_set(geometry: Geometry, samples: int, context: Context, draw: int = 0) -> TrainingSet:
    """A training set with `samples` noisy samples a point, drawn afresh but equal at every call.

    Each number `draw` stands for other noise.
    """
    from flowlab.theory.interpolation import noisy_samples

    stream = f"noise {draw}" if draw else "noise"

    def noisy(sigma: Tensor) -> Tensor:
        return noisy_samples(geometry.points, sigma, samples, context.generator(stream))

    return TrainingSet(geometry, samples, noisy)


def points_table(points: Tensor) -> Table:
    """Training points (N, d) as a table: a row a point, a column a coordinate."""
    names = [f"x{axis}" for axis in range(points.shape[-1])]
    return Table({"point": list(range(len(points))), **dict(zip(names, points.mT.tolist(), strict=True))})
