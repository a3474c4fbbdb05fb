"""DPM-Solver++(2M): the suite, and what is known of it beyond its order."""

import pytest
import torch
from flowlab_dpm.dpm_solver_2m import DpmSolver2M

from flowlab.api import Context, FlowODE
from flowlab.api.testing import IntegratorSuite

CONTEXT = Context(0, "flow", torch.float64, torch.device("cpu"))
STARTS = torch.tensor([[1.5, -0.4], [0.2, 0.9]], dtype=torch.float64)


def score_path(denoise, steps, last=3.0):
    r = torch.linspace(0, last, steps + 1, dtype=torch.float64)
    return FlowODE(-r, r, torch.full_like(r, -1), denoise)


class TestDpmSolver2M(IntegratorSuite):
    """The rules of every integrator; it states second order."""

    def component(self):
        return DpmSolver2M()


@pytest.mark.parametrize("steps", [1, 2, 7])
def test_it_is_exact_where_the_denoiser_is_constant(steps):
    point = torch.tensor([0.3, -0.2], dtype=torch.float64)
    path = score_path(lambda y, _: point.expand_as(y), steps)
    exact = point + torch.exp(path.log_tau)[:, None, None] * (STARTS - point)
    # a few roundings a step
    torch.testing.assert_close(DpmSolver2M().integrate(path, STARTS, CONTEXT), exact, atol=1e-14, rtol=0)


def test_two_steps_are_those_of_the_algorithm():
    path = score_path(lambda y, _: y.sin(), 2, last=1.0)
    decay = torch.exp(torch.tensor(-0.5, dtype=torch.float64))
    first = decay * STARTS + (1 - decay) * STARTS.sin()
    second = decay * first + (1 - decay) * (1.5 * first.sin() - 0.5 * STARTS.sin())
    states = DpmSolver2M().integrate(path, STARTS, CONTEXT)
    torch.testing.assert_close(states, torch.stack([STARTS, first, second]), atol=1e-14, rtol=0)


def test_the_last_step_to_zero_noise_lands_on_the_denoised_point():
    sigma = torch.tensor([0.2, 0.1, 0.0], dtype=torch.float64)
    time = sigma.square()
    path = FlowODE(sigma.log(), time, 0.5 / time, lambda y, i: y / (1 + sigma[i]))
    states = DpmSolver2M().integrate(path, STARTS, CONTEXT)
    torch.testing.assert_close(states[-1], states[-2] / 1.1, atol=1e-14, rtol=0)
