"""The empirical MMSE denoiser: the posterior mean under the training points themselves."""

from __future__ import annotations

import torch
from attrs import frozen
from torch import Tensor

_AT_ONCE = 1 << 22  # numbers that are held at once: 32 MiB in float64
_ROUNDING = 1e-10  # of a logit, up to which squared distances may come from inner products
_NEGLIGIBLE = 60.0  # a logit so far below the largest adds less than rounding to the mean
_NEAREST = 16


@frozen
class EmpiricalMmse:
    """The denoiser h(y) = sum_n softmax_n(log r_n - |y - x_n|^2 / (2 sigma^2)) x_n.

    points x (N, d), sigma (L,). counts (N,), the numbers r_n, say how often x_n is in the training set, once if
    None. It is not of minimum norm, and its probability flow memorises. Source: arXiv 2506.19031, Section 2.
    """

    points: Tensor
    sigma: Tensor
    counts: Tensor | None = None

    def __call__(self, y: Tensor) -> Tensor:
        """Denoise y (L, S, d), level by level; L = 1 broadcasts."""
        levels = max(len(y), len(self.sigma))
        if levels * y.shape[1] * self.points.numel() <= _AT_ONCE:
            return _mean(self._logits(y, self.points, self._log_counts, self.sigma[:, None, None]), self.points)
        y = y.expand(levels, -1, -1)
        sigma = self.sigma.expand(levels)
        return torch.stack([self._denoise(states, level) for states, level in zip(y, sigma, strict=True)])

    def at_sigma(self, sigma: Tensor) -> EmpiricalMmse:
        """The same denoiser at other noise levels sigma (L,)."""
        return EmpiricalMmse(self.points, sigma, self.counts)

    def at(self, level: int) -> EmpiricalMmse:
        """The denoiser of one level, as a bank of one."""
        return EmpiricalMmse(self.points, self.sigma[level].reshape(1), self.counts)

    @property
    def _log_counts(self) -> Tensor:
        return self.points.new_zeros(1) if self.counts is None else self.counts.log()

    def _logits(self, y: Tensor, points: Tensor, log_counts: Tensor, sigma: Tensor) -> Tensor:
        """The logits (..., N) of points (..., N, d) at y (..., d), from the differences themselves."""
        squares = (y[..., None, :] - points).square().sum(-1)
        if not _has_small_sigma(sigma):
            return log_counts - squares / (2 * sigma.square())
        # sigma^2 underflows: what all logits have in common is left out before the division, sigma by sigma
        excess = squares - squares.amin(-1, keepdim=True)
        return log_counts - excess / sigma / sigma / 2

    def _denoise(self, y: Tensor, sigma: Tensor) -> Tensor:
        """The denoised y (S, d) at one level, in parts that fit into memory: (S, d)."""
        if _has_small_sigma(sigma):
            return self._denoise_exactly(y, sigma)
        rows = max(1, _AT_ONCE // (_NEAREST * y.shape[-1] + 4 * len(self.points)))
        return torch.cat([self._denoise_part(part, sigma) for part in y.split(rows)])

    def _denoise_part(self, y: Tensor, sigma: Tensor) -> Tensor:
        """The same by matrix products: |y - x|^2 = |y|^2 - 2 y . x + |x|^2, about the mean of the points.

        Where rounding of these is not small beside sigma^2, the logits of the points that count are taken from the
        differences themselves.
        """
        middle = self.points.mean(0)
        points, shifted = self.points - middle, y - middle
        sizes = points.square().sum(-1), shifted.square().sum(-1)
        squares = sizes[1][:, None] - 2 * shifted @ points.mT + sizes[0]
        logits = self._log_counts - squares / (2 * sigma.square())
        largest = float((sizes[0].max() + sizes[1].max()).detach())
        rounding = 8 * torch.finfo(y.dtype).eps * largest / (2 * float(sigma.detach()) ** 2)
        if rounding <= _ROUNDING:
            return _mean(logits, self.points)
        count = min(_NEAREST, len(points))
        values, nearest = logits.topk(min(count + 1, len(points)))
        few = values[:, -1] < values[:, 0] - _NEGLIGIBLE - 2 * rounding
        if len(points) <= count:
            few = torch.ones_like(few)
        denoised = torch.empty_like(y)
        chosen = nearest[few, :count]
        among = self.points[chosen]
        counts = self._log_counts.expand(len(points))[chosen]
        weights = torch.softmax(self._logits(y[few], among, counts, sigma), -1)
        denoised[few] = (weights[:, None] @ among)[:, 0]
        denoised[~few] = self._denoise_exactly(y[~few], sigma)
        return denoised

    def _denoise_exactly(self, y: Tensor, sigma: Tensor) -> Tensor:
        """The denoised y (S, d) from all differences, in parts."""
        if not len(y):
            return y
        parts = y.split(max(1, _AT_ONCE // self.points.numel()))
        return torch.cat(
            [_mean(self._logits(part, self.points, self._log_counts, sigma), self.points) for part in parts]
        )


def _has_small_sigma(sigma: Tensor) -> bool:
    """Whether 1 / sigma^2 leaves the range of the dtype: below 1e-15 in float32, 1e-123 in float64."""
    return bool((sigma.detach() < torch.finfo(sigma.dtype).tiny ** 0.4).any())


def _mean(logits: Tensor, points: Tensor) -> Tensor:
    """The mean of points (N, d) with the weights softmax(logits) (..., N): (..., d)."""
    return torch.softmax(logits, dim=-1) @ points
