"""Max-margin slabs against an outside convex solver, and against the analytic margin of points."""

import cvxpy
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from flowlab.theory.interpolation import noisy_samples
from flowlab.theory.max_margin import separate
from flowlab.theory.slab_solution import slab_solution


def clusters(seed, dimension, count, samples, sigma, levels=1):
    generator = torch.Generator().manual_seed(seed)
    points = torch.randn(count, dimension, generator=generator, dtype=torch.float64)
    points = points / points.norm(dim=-1, keepdim=True)
    noise = torch.full((levels,), sigma, dtype=torch.float64)
    return points, noisy_samples(points, noise, samples, generator)


def outside(samples, positive):
    """The same programme by cvxpy and Clarabel; infinity where it is infeasible."""
    rows = samples.reshape(-1, samples.shape[-1]).numpy()
    above = np.repeat(positive.numpy(), samples.shape[1])
    w, b = cvxpy.Variable(rows.shape[1]), cvxpy.Variable()
    rules = [rows[above] @ w + b >= 1, rows[~above] @ w + b <= 0]
    problem = cvxpy.Problem(cvxpy.Minimize(cvxpy.sum_squares(w)), rules)
    problem.solve(solver=cvxpy.CLARABEL)
    return problem.value**0.5 if problem.status == cvxpy.OPTIMAL else np.inf


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 6), st.integers(2, 5), st.sampled_from([0.02, 0.1, 0.4]))
def test_each_slab_is_the_hard_margin_optimum(seed, dimension, count, sigma):
    _, samples = clusters(seed, dimension, count, 15, sigma)
    pattern = torch.eye(count, dtype=torch.bool)
    margins = separate(samples, pattern)
    for slab in range(count):
        expected = outside(samples[0], pattern[slab])
        assert bool(margins.feasible[0, slab]) == np.isfinite(expected)
        if np.isfinite(expected):
            # Clarabel's own accuracy is 1e-8 relative
            assert margins.weights[0, slab].norm().item() == pytest.approx(expected, rel=1e-6)


@given(st.integers(0, 10**6))
@settings(max_examples=20, deadline=None)
def test_the_slab_denoiser_interpolates_every_sample(seed):
    points, samples = clusters(seed, 5, 4, 30, 0.03, levels=2)
    slabs, usable = slab_solution(samples, points, None)
    if usable.all():
        residual = slabs(samples.flatten(1, 2)) - points[:, None].expand(-1, 30, -1).flatten(0, 1)
        # the working set closes at a violation of 1e-10 in slab units, and jumps are of order 1
        assert residual.abs().max() < 1e-9


def test_inseparable_clusters_are_marked_and_hold_nan():
    points = torch.tensor([[0.0, 0.0], [0.1, 0.0], [0.0, 0.1]], dtype=torch.float64)
    sigma = torch.tensor([1.0, 0.001], dtype=torch.float64)
    samples = noisy_samples(points, sigma, 50, torch.Generator().manual_seed(0))
    slabs, usable = slab_solution(samples, points, None)
    assert usable.tolist() == [False, True]
    assert slabs.offset[0].isnan().all()
    assert slabs.offset[1].isfinite().all()


def test_a_chain_of_slabs_interpolates_points_on_a_line():
    points = torch.tensor([[0.0, 0.0], [1.0, 0.0], [3.0, 0.0]], dtype=torch.float64)
    sigma = torch.tensor([0.05], dtype=torch.float64)
    samples = noisy_samples(points, sigma, 20, torch.Generator().manual_seed(0))
    pattern = torch.tensor([[False, True, True], [False, False, True]])
    slabs, usable = slab_solution(samples, points, pattern)
    assert usable.all()
    torch.testing.assert_close(slabs(samples[:, 1]), points[1].expand(1, 20, 2), atol=1e-9, rtol=0)
