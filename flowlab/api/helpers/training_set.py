"""From a geometry to a training set, with the noisy samples that all denoisers of a dataset share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from attrs import frozen

from flowlab.api.context import Context
from flowlab.api.errors import NodeError, ValidationIssue
from flowlab.api.kinds.dataset import TrainingSet
from flowlab.api.random_stream import RandomStream
from flowlab.api.result import Table

if TYPE_CHECKING:
    from torch import Tensor

    from flowlab.theory.geometry.geometry import Geometry

_MOST_COMPARED = 4096  # points, whose distances take 64 MB


def training_set(
    geometry: Geometry,
    samples: int,
    context: Context,
    draw: int = 0,
    repeats: Sequence[int] = (),
    shape: tuple[int, ...] | None = None,
) -> TrainingSet:
    """A training set with `samples` noisy samples per point, drawn again but equal at every call.

    Each number `draw` gives other noise. Of a pinned dataset the noise of a level depends on its sigma, not on the
    other levels. A point that is in the set several times, by `repeats`, has `samples` samples of its own each
    time. The tensor of samples has the length of the most frequent point. `shape` is that of an image.

    Raises NodeError where rounding hides the distances of the points; of more than 4096 it isn't looked for.
    """
    from flowlab.theory.geometry.tolerance import check_resolution

    if len(geometry.points) <= _MOST_COMPARED:
        try:
            check_resolution(geometry.points, geometry.scale)
        except ValueError as error:
            raise NodeError(str(error)) from error
    counts = tuple(repeats) if len(set(repeats)) > 1 or (repeats and repeats[0] > 1) else None
    stream = context.stream(f"noise {draw}" if draw else "noise")
    noise = NoisyDraw(geometry.points, samples, stream, counts)
    return TrainingSet(geometry, samples * max(counts or (1,)), noise, counts, shape)


@frozen
class NoisyDraw:
    """Draws noisy samples of points (N, d), the same at every call; unlike a closure, it can be stored."""

    points: Tensor
    samples: int
    stream: RandomStream
    counts: tuple[int, ...] | None = None

    def __call__(self, sigma: Tensor) -> Tensor:
        """Noisy samples at levels sigma (L,): (L, N, M, d)."""
        import torch

        from flowlab.theory.networks.interpolation import noisy_samples, repeated_samples

        parts = [
            noisy_samples(self.points, sigma[levels], self.samples, generator)
            if self.counts is None
            else repeated_samples(self.points, self.counts, sigma[levels], self.samples, generator)
            for levels, generator in self.stream.level_generators(sigma)
        ]
        return parts[0] if len(parts) == 1 else torch.cat(parts)


def check_repeats(repeats: Sequence[int], points: int) -> Iterator[ValidationIssue]:
    """Check that `repeats` of a dataset is empty or has one number per point."""
    if repeats and len(repeats) != points:
        yield ValidationIssue("repeats", f"{len(repeats)} numbers for {points} points")


def points_table(points: Tensor) -> Table:
    """Training points (N, d) as a table with one row per point and one column per coordinate."""
    names = [f"x{axis}" for axis in range(points.shape[-1])]
    return Table({"point": list(range(len(points))), **dict(zip(names, points.mT.tolist(), strict=True))})
