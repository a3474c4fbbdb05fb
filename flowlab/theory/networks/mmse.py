"""The empirical MMSE denoiser: the posterior mean under the training points themselves."""

from __future__ import annotations

import torch
from attrs import frozen
from torch import Tensor


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
        squares = (y[..., None, :] - self.points).square().sum(-1)
        logits = -squares / (2 * self.sigma[:, None, None].square())
        if self.counts is not None:
            logits = logits + self.counts.log()
        return torch.softmax(logits, dim=-1) @ self.points

    def at_sigma(self, sigma: Tensor) -> EmpiricalMmse:
        """The same denoiser at other noise levels sigma (L,)."""
        return EmpiricalMmse(self.points, sigma, self.counts)

    def at(self, level: int) -> EmpiricalMmse:
        """The denoiser of one level, as a bank of one."""
        return EmpiricalMmse(self.points, self.sigma[level].reshape(1), self.counts)
