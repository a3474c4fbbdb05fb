"""The weighted Fermat-Weber point against optimality and an outside minimiser."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from flowlab.theory.solvers.fermat_weber import weighted_fermat_weber


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 7), st.integers(2, 5))
def test_no_point_is_cheaper(seed, count, dimension):
    generator = torch.Generator().manual_seed(seed)
    points = torch.randn(count, dimension, generator=generator, dtype=torch.float64)
    weights = torch.rand(count, generator=generator, dtype=torch.float64) + 0.1

    def cost(c):
        return float((weights * (points - torch.as_tensor(c)).norm(dim=-1)).sum())

    ours = cost(weighted_fermat_weber(points, weights))
    other = minimize(cost, points.mean(0).numpy(), method="Nelder-Mead", options={"xatol": 1e-9}).fun
    # a sum of norms is flat to second order at its minimum: rounding of the point costs nothing visible
    assert ours <= other * (1 + 1e-9)


def test_a_vertex_that_outweighs_the_others_is_exact():
    points = torch.tensor([[0.0, 0.0], [1.0, 0.0], [-0.6, 0.9]], dtype=torch.float64)
    weights = torch.ones(3, dtype=torch.float64)
    assert torch.equal(weighted_fermat_weber(points, weights), points[0])


def test_an_infinite_weight_decides_and_two_cannot():
    points = torch.eye(3, dtype=torch.float64)
    weights = torch.tensor([1.0, torch.inf, 1.0], dtype=torch.float64)
    assert torch.equal(weighted_fermat_weber(points, weights), points[1])
    with pytest.raises(ValueError, match="infinite weight"):
        weighted_fermat_weber(points, torch.full((3,), torch.inf))
