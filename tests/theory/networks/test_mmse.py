"""The empirical MMSE denoiser against the density whose score it is."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from flowlab.theory.networks import mmse as module
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


def exactly(points, y, sigma, counts):
    """The posterior mean of each y, in twice the digits, one by one."""
    wide = np.longdouble
    means = []
    for state in y.numpy().astype(wide):
        squares = ((state - points.numpy().astype(wide)) ** 2).sum(-1)
        logits = np.log(counts.numpy().astype(wide)) - squares / (2 * wide(sigma) ** 2)
        weights = np.exp(logits - logits.max())
        means.append((weights / weights.sum()) @ points.numpy().astype(wide))
    return torch.from_numpy(np.array(means).astype(float))


@pytest.mark.parametrize("place", [0.0, 1e3, 1e6])
@pytest.mark.parametrize("close", [1.0, 1e-2, 1e-6])
@pytest.mark.parametrize("sigma", [1e-8, 1e-5, 1e-3, 0.03, 0.3, 3.0])
def test_in_parts_it_is_the_mean_that_it_is_at_once(monkeypatch, place, close, sigma):
    """60 points in pairs at a distance of about `close`, far from the origin, by every way of computing it."""
    generator = torch.Generator().manual_seed(3)

    def normal(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    points = normal(30, 7)
    points = place + torch.cat([points, points + close * normal(30, 7) / 3])
    counts = 1.0 + torch.arange(60) % 3
    near = points[torch.arange(90) % 60] + sigma * normal(90, 7)
    between = (points[:30] + points[30:]) / 2 + sigma * normal(30, 7)
    y = torch.cat([near, between, place + 3 * normal(30, 7)])
    network = EmpiricalMmse(points, torch.tensor([sigma], dtype=torch.float64), counts)
    oracle = exactly(points, y, sigma, counts)
    at_once = (network(y[None])[0] - oracle).abs().max()
    monkeypatch.setattr(module, "_AT_ONCE", 0)
    in_parts = (network(y[None])[0] - oracle).abs().max()
    # the points' own rounding, and the tolerance of a logit
    assert in_parts <= 10 * at_once + 1e-9 * max(close, min(sigma, 1)) + 4e-16 * place


@pytest.mark.parametrize("levels", [1, 3])
def test_parts_broadcast_as_a_whole_does(monkeypatch, levels):
    points, sigma = torch.randn(5, 2).double(), torch.tensor([0.5, 0.3, 0.1]).double()
    network = EmpiricalMmse(points, sigma)
    y = torch.randn(levels, 9, 2, dtype=torch.float64, requires_grad=True)
    whole = network(y)
    (slope,) = torch.autograd.grad(whole.square().sum(), y)
    one = network.at(1)(y)
    monkeypatch.setattr(module, "_AT_ONCE", 0)
    torch.testing.assert_close(network(y), whole)
    torch.testing.assert_close(torch.autograd.grad(network(y).square().sum(), y)[0], slope)
    torch.testing.assert_close(network.at(1)(y), one)


@pytest.mark.parametrize("spread", [0.5, 2.0, 8.0])
def test_no_point_that_counts_is_left_out(monkeypatch, spread):
    """Sixty points at about the noise level, and a far one that makes inner products too coarse."""
    generator = torch.Generator().manual_seed(4)
    points = spread * torch.randn(60, 5, generator=generator, dtype=torch.float64)
    points = torch.cat([points, torch.full((1, 5), 1e5, dtype=torch.float64)])
    y = torch.cat([points, points[:30] + torch.randn(30, 5, generator=generator, dtype=torch.float64)])
    network = EmpiricalMmse(points, torch.ones(1, dtype=torch.float64))
    monkeypatch.setattr(module, "_AT_ONCE", 0)
    found = network(y[None])[0]
    torch.testing.assert_close(found, exactly(points, y, 1.0, torch.ones(61)), atol=1e-12, rtol=1e-12)


@pytest.mark.parametrize(
    ("dtype", "sigma"),
    [(torch.float32, 1e-16), (torch.float32, 1e-20), (torch.float32, 1e-38), (torch.float64, 1e-160)],
)
@pytest.mark.parametrize("at_once", [1 << 22, 1])
def test_it_is_the_nearest_point_at_the_least_noise(monkeypatch, dtype, sigma, at_once):
    monkeypatch.setattr(module, "_AT_ONCE", at_once)  # 1: in parts
    points = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 3.0]], dtype=dtype)
    y = torch.tensor([[0.4, 0.0], [0.6, 0.1], [0.0, 2.0], [1.0, 0.0], [0.5, 0.0]], dtype=dtype)
    counts = torch.tensor([3.0, 1.0, 1.0], dtype=dtype)
    denoised = EmpiricalMmse(points, torch.tensor([sigma], dtype=dtype), counts)(y[None])[0]
    wanted = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 3.0], [1.0, 0.0], [0.25, 0.0]], dtype=dtype)
    # the last is as near to two points, one of them there three times
    torch.testing.assert_close(denoised, wanted)
