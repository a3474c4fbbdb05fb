"""From which strength of decay the network without neurons is best, against a convex solver."""

import cvxpy
import pytest
import torch

from flowlab.api import Context
from flowlab.components.analyses.networks.collapse import Collapse
from flowlab.components.datasets.equilateral_triangle import EquilateralTriangle
from flowlab.components.schedules.noise_levels import NoiseLevels
from flowlab.theory.certificates.certificate import Search
from flowlab.theory.certificates.collapse import collapse_strength

CONTEXT = Context(0, "collapse", torch.float64, torch.device("cpu"))


@pytest.fixture(scope="module")
def triangle():
    """Points and one level of samples in the plane, where the search is exact."""
    data = EquilateralTriangle(samples=6).build(CONTEXT).value
    return data.geometry.points, data.draw(torch.tensor([0.2], dtype=torch.float64))[0]


def strength(points, samples):
    generator = torch.Generator().manual_seed(0)
    return collapse_strength(samples, points, Search(64, 40), generator)


def test_without_neurons_the_affine_fit_is_left(triangle):
    points, samples = triangle
    demand, residual = strength(points, samples)
    inputs, targets = samples.flatten(0, 1), points.repeat_interleave(samples.shape[1], 0)
    ones = torch.cat([inputs, torch.ones(len(inputs), 1, dtype=torch.float64)], 1)
    fitted = ones @ torch.linalg.lstsq(ones, targets).solution
    assert demand.exact
    # both are least squares, to rounding
    assert torch.allclose(residual, targets - fitted, atol=1e-12) or torch.allclose(
        residual, fitted - targets, atol=1e-12
    )


def test_a_convex_solver_uses_neurons_below_the_strength_and_none_above(triangle):
    points, samples = triangle
    demand, _ = strength(points, samples)
    inputs, targets = samples.flatten(0, 1), points.repeat_interleave(samples.shape[1], 0)
    # all that a neuron of the plane can do: directions by the degree, biases at the samples
    angles = torch.arange(360, dtype=torch.float64) * torch.pi / 180
    directions = torch.stack([angles.cos(), angles.sin()], -1)
    projected = inputs @ directions.T
    hidden = torch.relu(projected[:, None, :] - projected[None, :, :]).flatten(1).numpy()
    outer = cvxpy.Variable((hidden.shape[1], 2))
    skip, offset = cvxpy.Variable((2, 2)), cvxpy.Variable((1, 2))
    output = hidden @ outer + inputs.numpy() @ skip + offset
    loss = cvxpy.sum_squares(output - targets.numpy()) / (2 * samples.shape[1])
    decay = cvxpy.Parameter(nonneg=True)
    problem = cvxpy.Problem(cvxpy.Minimize(loss + decay * cvxpy.sum(cvxpy.norm(outer, axis=1))))

    def norm(factor):
        decay.value = factor * demand.value
        problem.solve(cvxpy.CLARABEL)
        return abs(outer.value).sum()

    # the grid is a subset of all neurons: it needs a strength no larger, and a degree of angle less by no more
    # than one in ten thousand. Interior points leave 1e-6 where the exact answer is zero.
    assert norm(1.001) < 1e-4
    assert norm(0.99) > 1e-3


def test_the_strength_falls_with_the_noise():
    data = EquilateralTriangle(samples=10).build(CONTEXT).value
    result = Collapse("d", "s", starts=16, steps=20).build(
        CONTEXT, dataset=data, schedule=NoiseLevels([0.05, 0.1, 0.2])
    )
    strengths = result.value["strength"]
    assert strengths == sorted(strengths, reverse=True)
    assert result.metrics["strength_max"] == max(strengths)
