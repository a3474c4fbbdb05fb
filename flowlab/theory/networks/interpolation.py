"""The interpolation problem that a denoiser is trained on, and its noisy samples."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from attrs import evolve, frozen
from torch import Tensor


@frozen
class Interpolation:
    """The problem to find networks with h(y_nm) = x_n at every noise level.

    samples y (L, N, M, d), points x (N, d), noise levels sigma (L,). `unit` is the length of 1 of this problem in
    data units; messages to people are in data units. counts (N,) says how often each point is in the training set,
    once each if None. The samples already repeat the constraints as often; a loss has to weigh the points by it.
    """

    samples: Tensor
    points: Tensor
    sigma: Tensor
    unit: float = 1.0
    counts: Tensor | None = None

    @property
    def inputs(self) -> Tensor:
        """All noisy samples of a level, one after another: (L, N * M, d)."""
        return self.samples.flatten(1, 2)

    @property
    def targets(self) -> Tensor:
        """The training point of each input: (1, N * M, d)."""
        return self.points[:, None].expand(self.samples.shape[1:]).flatten(0, 1)[None]

    @property
    def noise(self) -> Tensor:
        """The noise levels sigma in data units: (L,)."""
        return self.sigma * self.unit

    def levels(self, chosen: slice) -> Interpolation:
        """The problem at the chosen noise levels only."""
        return evolve(self, samples=self.samples[chosen], sigma=self.sigma[chosen])

    def to(self, like: Tensor) -> Interpolation:
        """The same problem in the dtype and on the device of a tensor."""
        counts = None if self.counts is None else self.counts.to(like)
        return evolve(
            self,
            samples=self.samples.to(like),
            points=self.points.to(like),
            sigma=self.sigma.to(like),
            counts=counts,
        )

    def batch(self, turn: int, count: int) -> Interpolation:
        """The problem on the next `count` samples per point, in order: they are independent, so no shuffling.

        A rest of fewer than `count` samples at the end is left out. If there are at most `count`, all are used.
        """
        first = count * (turn % max(1, self.samples.shape[2] // count))
        return evolve(self, samples=self.samples[:, :, first : first + count])


def repeated_samples(
    points: Tensor, counts: Sequence[int], sigma: Tensor, count: int, generator: torch.Generator
) -> Tensor:
    """Noisy samples of points (N, d) that are in a training set several times: (L, N, max_n r_n * count, d).

    At levels sigma (L,). Point n, with r_n = counts[n], has r_n * count samples of its own, `count` for each time
    it is in the set. Where other points have more, its samples are repeated: a repeated constraint changes
    nothing.
    """
    most = count * max(counts)
    samples = noisy_samples(points, sigma, most, generator)
    own = count * torch.tensor(counts, device=samples.device)[:, None]
    index = torch.arange(most, device=samples.device) % own
    return samples.gather(2, index[None, :, :, None].expand_as(samples))


def noisy_samples(points: Tensor, sigma: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """Draw y_nm = x_n + sigma * eps, eps ~ N(0, I), for points x (N, d) and sigma (L,): (L, N, count, d)."""
    shape = (len(sigma), len(points), count, points.shape[-1])
    # draw on the CPU in float64, so that every device and dtype has the same noise
    noise = torch.randn(shape, generator=generator, dtype=torch.float64).to(points)
    return points[:, None] + sigma.to(points)[:, None, None, None] * noise
