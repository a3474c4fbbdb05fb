"""The reverse SDE of Gaussian data, whose law at each noise level is known in closed form."""

from __future__ import annotations

import torch
from attrs import frozen
from torch import Tensor


@frozen
class GaussianDenoiser:
    """The posterior mean of data N(m, diag(v)): h(y) = m + v / (v + sigma^2) (y - m).

    mean m (d,), variance v (d,), sigma (L,).
    """

    mean: Tensor
    variance: Tensor
    sigma: Tensor

    def __call__(self, y: Tensor) -> Tensor:
        """Denoise y (L, S, d), level by level; L = 1 broadcasts."""
        gain = self.variance / (self.variance + self.sigma.square()[:, None, None])
        return self.mean + gain * (y - self.mean)

    def at_sigma(self, sigma: Tensor) -> GaussianDenoiser:
        """The same denoiser at other noise levels sigma (L,)."""
        return GaussianDenoiser(self.mean, self.variance, sigma)

    def at(self, level: int) -> GaussianDenoiser:
        """The denoiser of one level, as a bank of one."""
        return self.at_sigma(self.sigma[level].reshape(1))


@frozen
class ConditionalLaw:
    """The law of a state given its start: y - m is normal with mean slope * (start - m) and this variance.

    slope (P, d) and variance (P, d), at P noise levels.
    """

    slope: Tensor
    variance: Tensor


def reverse_sde_law(data_variance: Tensor, sigma: Tensor, strength: float) -> ConditionalLaw:
    """The law of the reverse SDE from sigma_0 to sigma (P,), given the start; data_variance v (d,).

    dy = (1 + lambda^2) (y - h) / sigma dsigma + lambda sqrt(2 sigma) dw, with sigma falling and strength lambda.
    With s = v + sigma^2 and g = (s / s_0)^((1 + lambda^2) / 2), the slope is g and the variance s - s_0 g^2, which
    is zero for lambda = 0. Starts of variance s_0 keep the variance s at every lambda.
    """
    s = data_variance + sigma[:, None].square()
    slope = (s / s[0]) ** ((1 + strength**2) / 2)
    return ConditionalLaw(slope, torch.clamp_min(s - s[0] * slope.square(), 0.0))
