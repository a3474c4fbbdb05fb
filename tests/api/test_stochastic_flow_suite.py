"""The suite of flows tells a right reverse SDE from a wrong one, whatever the seed."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from flowlab.api import Context, DenoiserBank, Trajectories, gaussian_starts
from flowlab.api.testing.gaussian_data import LEAST_STARTS, gaussian_bank, moment_faults
from flowlab.api.testing.suite import context
from flowlab.theory.flows.reverse_sde import reverse_sde_law

SEEDS = range(20)
Step = Callable[[Tensor, Tensor, float, float, Tensor], Tensor]


def exact_step(y, h, sigma, low, z):
    """The reverse SDE with h held within the step."""
    keep = (low / sigma) ** 2
    return h + keep * (y - h) + low * math.sqrt(1 - keep) * z


def euler(drift: float = 2.0, noise: float = 1.0) -> Step:
    """The step of Euler and Maruyama, with these factors of the drift and the noise."""
    return lambda y, h, sigma, low, z: (
        y + drift * (y - h) * (low - sigma) / sigma + noise * math.sqrt(2 * sigma * (sigma - low)) * z
    )


def stepped(bank: DenoiserBank, step: Step, place: Context, draw: Callable[..., Tensor] | None = None) -> Any:
    starts = gaussian_starts(bank, LEAST_STARTS, "centroid", 1.7, place)
    generator = place.generator("noise")
    fresh = draw or (lambda y, level: torch.randn(y.shape, generator=generator, dtype=y.dtype))
    times = torch.cat([bank.sigma, bank.sigma.new_zeros(1)])
    states = [starts]
    for level, (sigma, low) in enumerate(itertools.pairwise(times.tolist())):
        y = states[-1]
        states.append(step(y, bank.denoise(y, level), sigma, low, fresh(y, level)))
    return Trajectories(torch.stack(states), times, bank, "reverse-sde")


def faults(seed: int, step: Step, draw: Callable[..., Tensor] | None = None) -> list[str]:
    return list(moment_faults(stepped(gaussian_bank(), step, context(seed), draw), 1.0))


@pytest.mark.parametrize("seed", SEEDS)
def test_the_right_sde_passes(seed):
    assert faults(seed, exact_step) == []


def test_its_euler_steps_pass():
    assert faults(0, euler()) == []


WRONG = {
    "noise 7 % too large": euler(noise=1.07),
    "noise 7 % too small": euler(noise=0.93),
    "noise without its factor of sqrt(2)": euler(noise=math.sqrt(0.5)),
    "no noise": euler(noise=0.0),
    "half of the score": euler(drift=1.0),
    "no score": euler(drift=0.0),
    "the score with the wrong sign": euler(drift=-2.0),
    "the drift of the SDE without the variance that its noise has": lambda y, h, sigma, low, z: (
        h + (low / sigma) ** 2 * (y - h) + (sigma - low) * z
    ),
    "the probability flow": lambda y, h, sigma, low, z: h + low / sigma * (y - h),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_sde_is_found_at_every_seed(name):
    assert all(faults(seed, WRONG[name]) for seed in range(3))


def one_draw(shape: Callable[[Tensor], tuple[int, ...]], levels: bool = True) -> Callable[..., Tensor]:
    """Noise of a smaller shape, that is broadcast; the same at all levels, unless they differ."""
    return lambda y, level: torch.randn(
        shape(y), generator=torch.Generator().manual_seed(level if levels else 0), dtype=y.dtype
    ).expand(y.shape)


@pytest.mark.parametrize(
    ("draw", "words"),
    [
        (one_draw(lambda y: (1, y.shape[1])), "different starts is not independent"),
        (one_draw(lambda y: (len(y), 1)), "different coordinates is not independent"),
        (one_draw(lambda y: tuple(y.shape), levels=False), "the variance of the noise"),
    ],
    ids=["shared by all starts", "shared by all coordinates", "the same at each level"],
)
def test_noise_that_is_drawn_too_seldom_is_found(draw, words):
    assert any(words in fault for fault in faults(0, exact_step, draw))


def test_a_drift_to_another_mean_is_found():
    def shifted(y, h, sigma, low, z):
        return exact_step(y, h + 0.1, sigma, low, z)

    assert any("the mean" in fault for fault in faults(0, shifted))


@pytest.mark.parametrize("strength", [0.0, 0.5, 1.0, 1.7])
def test_the_law_solves_its_equation(strength):
    """Against the ordinary equations of mean and variance, in many small steps."""
    variance = torch.tensor([0.0, 0.1, 1.0], dtype=torch.float64)
    sigma = torch.linspace(1.0, 0.2, 20001, dtype=torch.float64)
    slope, spread = torch.ones(3, dtype=torch.float64), torch.zeros(3, dtype=torch.float64)
    for high, low in itertools.pairwise(sigma.tolist()):
        middle, step = (high + low) / 2, high - low
        rate = (1 + strength**2) * middle / (variance + middle**2)
        half = slope * (1 - rate * step / 2)
        slope = slope - rate * step * half
        drift = spread - step / 2 * (2 * rate * spread - 2 * strength**2 * middle)
        spread = spread - step * (2 * rate * drift - 2 * strength**2 * middle)
    law = reverse_sde_law(variance, sigma[[0, -1]], strength)
    torch.testing.assert_close(law.slope[-1], slope, atol=1e-6, rtol=0)
    torch.testing.assert_close(law.variance[-1], spread, atol=1e-6, rtol=0)
