"""The empirical MMSE denoiser against the density whose score it is."""

import math

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from flowlab.theory.networks.mmse import EmpiricalMmse


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 6), st.integers(1, 5), st.floats(0.05, 3))
def test_it_is_the_posterior_mean_by_tweedies_identity(seed, count, dimension, sigma):
    generator = torch.Generator().manual_seed(seed)
    points = torch.randn(count, dimension, generator=generator, dtype=torch.float64)
    y = torch.randn(20, dimension, generator=generator, dtype=torch.float64, requires_grad=True)
    # log p of a mixture of Gaussians, constants left out: they have no gradient
    squares = (y[:, None] - points).square().sum(-1)
    density = torch.logsumexp(-squares / (2 * sigma**2) - math.log(count), dim=-1)
    (score,) = torch.autograd.grad(density.sum(), y)
    found = EmpiricalMmse(points, torch.tensor([sigma], dtype=torch.float64))(y.detach()[None])[0]
    # |y - x| / sigma^2 up to some thousands times sigma^2: a few roundings of size-one data
    torch.testing.assert_close(found, (y + sigma**2 * score).detach(), atol=1e-11, rtol=0)
