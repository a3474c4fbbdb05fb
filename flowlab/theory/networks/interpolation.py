"""The interpolation problem that a denoiser is trained on, and how well a network solves it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from attrs import evolve, frozen
from torch import Tensor


@frozen
class Interpolation:
    """Find networks with h(y_nm) = x_n at every noise level: samples (L, N, M, d), points (N, d).

    `unit` is how long a length of 1 in it is in data units: messages speak of those.
    `counts` (N,) says how often each point is in the training set, once each if None. The constraints have it in
    their samples; a loss has to weigh the points by it.
    """

    samples: Tensor
    points: Tensor
    sigma: Tensor
    unit: float = 1.0
    counts: Tensor | None = None

    @property
    def inputs(self) -> Tensor:
        """All noisy samples of a level in one row: (L, N * M, d)."""
        return self.samples.flatten(1, 2)

    @property
    def targets(self) -> Tensor:
        """The clean point of each input: (1, N * M, d)."""
        return self.points[:, None].expand(self.samples.shape[1:]).flatten(0, 1)[None]

    @property
    def noise(self) -> Tensor:
        """The noise levels sigma in data units: (L,)."""
        return self.sigma * self.unit

    def levels(self, chosen: slice) -> Interpolation:
        """The problem at some of the noise levels."""
        return evolve(self, samples=self.samples[chosen], sigma=self.sigma[chosen])

    def to(self, like: Tensor) -> Interpolation:
        """The same problem in a tensor's dtype and on its device."""
        counts = None if self.counts is None else self.counts.to(like)
        return evolve(
            self,
            samples=self.samples.to(like),
            points=self.points.to(like),
            sigma=self.sigma.to(like),
            counts=counts,
        )

    def batch(self, turn: int, count: int) -> Interpolation:
        """The problem on `count` samples a point, in turn: they are independent draws, so no shuffling.

        Fewer than `count` samples at the end are left out; all are taken where there are no more than that.
        """
        first = count * (turn % max(1, self.samples.shape[2] // count))
        return evolve(self, samples=self.samples[:, :, first : first + count])


def repeated_samples(
    points: Tensor, counts: Sequence[int], sigma: Tensor, count: int, generator: torch.Generator
) -> Tensor:
    """Noisy samples of points that stand in a training set several times: (L, N, max_n r_n * count, d).

    Point n has r_n * count samples of its own, `count` for each time it stands there. Where others have more, they
    are taken again: a constraint that is said twice is the same constraint.
    """
    most = count * max(counts)
    drawn = noisy_samples(points, sigma, most, generator)
    own = count * torch.tensor(counts, device=drawn.device)[:, None]
    chosen = torch.arange(most, device=drawn.device) % own
    return drawn.gather(2, chosen[None, :, :, None].expand_as(drawn))


def noisy_samples(points: Tensor, sigma: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """Draw y_nm = x_n + sigma * eps, eps ~ N(0, I), for each level: (L, N, count, d)."""
    shape = (len(sigma), len(points), count, points.shape[-1])
    # drawn on the CPU in float64, so that every device and dtype sees the same noise
    noise = torch.randn(shape, generator=generator, dtype=torch.float64).to(points)
    return points[:, None] + sigma.to(points)[:, None, None, None] * noise
