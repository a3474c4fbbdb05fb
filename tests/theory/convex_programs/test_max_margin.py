"""Max-margin slabs against an outside convex solver, a linear programme, and their optimality conditions.

Tolerances: constraints close at 1e-10, the solver's documented tolerance, in units of a slab's height. The
optimum is exact to rounding given its support, so costs agree as closely as the outside solver is accurate.
"""

import warnings

import cvxpy
import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog, nnls

from flowlab.theory.convex_programs import max_margin
from flowlab.theory.convex_programs.max_margin import separate
from flowlab.theory.convex_programs.slab_solution import slab_solution
from flowlab.theory.networks.interpolation import noisy_samples
from flowlab.theory.solvers.hard_margin import TOLERANCE, hard_margin

seeds = st.integers(0, 10**6)


def clusters(seed, dimension, count, samples, sigma, levels=1):
    generator = torch.Generator().manual_seed(seed)
    points = torch.randn(count, dimension, generator=generator, dtype=torch.float64)
    points = points / points.norm(dim=-1, keepdim=True)
    noise = torch.full((levels,), sigma, dtype=torch.float64)
    return points, noisy_samples(points, noise, samples, generator)


def lattice(seed, spread):
    """Clusters of integer points: samples coincide, lie on lines and planes, and touch slabs in excess."""
    rng = np.random.default_rng(seed)
    dimension, count, samples = rng.integers(1, 6), rng.integers(2, 6), rng.integers(1, 30)
    points = rng.integers(-9, 10, (1, count, 1, dimension))
    return torch.from_numpy(points + spread * rng.integers(-1, 2, (1, count, samples, dimension)))


def signed(samples, positive):
    """All samples (Q, d) of a level, and 1 for those above the slab, -1 below."""
    rows = samples.reshape(-1, samples.shape[-1]).numpy()
    return rows, np.where(np.repeat(positive.numpy(), samples.shape[1]), 1.0, -1.0)


def outside(samples, positive):
    """The same programme by cvxpy and Clarabel, to 1e-12; infinity where it is infeasible.

    NaN where Clarabel ends before it comes so near.
    """
    rows, sign = signed(samples, positive)
    w, b = cvxpy.Variable(rows.shape[1]), cvxpy.Variable()
    problem = cvxpy.Problem(
        cvxpy.Minimize(cvxpy.sum_squares(w)), [cvxpy.multiply(sign, rows @ w + b) >= np.maximum(sign, 0)]
    )
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Solution may be inaccurate")
        problem.solve(solver=cvxpy.CLARABEL, tol_gap_abs=1e-12, tol_gap_rel=1e-12, tol_feas=1e-12)
    if problem.status in (cvxpy.OPTIMAL_INACCURATE, cvxpy.INFEASIBLE_INACCURATE):
        return np.nan
    return problem.value**0.5 if problem.status == cvxpy.OPTIMAL else np.inf


def feasible(samples, positive):
    """Whether a linear programme without a cost finds a separating hyperplane."""
    rows, sign = signed(samples, positive)
    matrix = -sign[:, None] * np.c_[rows, np.ones(len(rows))]
    return linprog(np.zeros(matrix.shape[1]), matrix, -np.maximum(sign, 0), bounds=(None, None)).status == 0


def slack_and_remainder(samples, positive, w, b):
    """The least slack of a slab, and how far w is from a positive combination of the samples it touches.

    Both (near) zero prove it optimal: multipliers z >= 0 on touching samples alone with w = sum z s y and
    sum z s = 0, found here by non-negative least squares. The remainder is relative to |w|.
    """
    rows, sign = signed(samples, positive)
    slack = sign * (rows @ w + b) - np.maximum(sign, 0)
    size = np.abs(rows).max()
    touching = np.abs(slack) < 1e-8
    matrix = np.vstack([(sign[touching, None] * rows[touching]).T / size, sign[None, touching]])
    _, remainder = nnls(matrix, np.append(w * size, 0.0))
    return slack.min(), remainder / (np.linalg.norm(w) * size)


def assert_optimal(samples, pattern):
    """Feasibility as linear programming says, and the optimality conditions where feasible."""
    margins = separate(samples, pattern)
    for level in range(len(samples)):
        for slab, positive in enumerate(pattern):
            found = bool(margins.feasible[level, slab])
            w, b = margins.weights[level, slab].numpy(), margins.biases[level, slab].item()
            assert found is feasible(samples[level], positive)
            assert np.isfinite(w).all() == np.isfinite(b) == found
            if found:
                slack, remainder = slack_and_remainder(samples[level], positive, w, b)
                assert slack > -TOLERANCE
                assert remainder < 1e-10  # of unit vectors, by a least-squares solver accurate to rounding


@settings(max_examples=25, deadline=None)
@given(seeds, st.integers(2, 6), st.integers(2, 5), st.sampled_from([0.02, 0.1, 0.4]))
def test_each_slab_fulfils_the_optimality_conditions(seed, dimension, count, sigma):
    _, samples = clusters(seed, dimension, count, 15, sigma, levels=2)
    assert_optimal(samples, torch.eye(count, dtype=torch.bool))


@settings(max_examples=60, deadline=None)
@given(seeds, st.sampled_from([0.0, 0.1, 0.5, 1.0]), st.sampled_from([1e-4, 1.0, 1e5]))
def test_degenerate_samples_at_any_scale_are_solved_too(seed, spread, scale):
    samples = scale * lattice(seed, spread)
    if (samples[0].flatten(0, 1) != samples[0, 0, 0]).any():  # a single point has no slab and no scale
        assert_optimal(samples, torch.eye(samples.shape[1], dtype=torch.bool))


@settings(max_examples=15, deadline=None)
@given(seeds, st.integers(2, 6), st.integers(2, 5), st.sampled_from([0.02, 0.1, 0.4]))
def test_costs_agree_with_an_outside_solver(seed, dimension, count, sigma):
    _, samples = clusters(seed, dimension, count, 15, sigma)
    pattern = torch.eye(count, dtype=torch.bool)
    for slope, positive in zip(separate(samples, pattern).weights[0].norm(dim=-1), pattern, strict=True):
        expected = outside(samples[0], positive)
        assume(not np.isnan(expected))
        assert slope.isfinite() == np.isfinite(expected)
        if np.isfinite(expected):
            assert slope.item() == pytest.approx(expected, rel=1e-8)  # Clarabel's own accuracy in the root


def test_the_papers_scale_is_optimal_at_low_and_at_high_noise():
    points = torch.cat([torch.zeros(1, 30), torch.eye(30)]).double()
    sigma = torch.tensor([0.15, 0.05], dtype=torch.float64)
    samples = noisy_samples(points, sigma, 500, torch.Generator().manual_seed(0))
    pattern = torch.eye(31, dtype=torch.bool)
    margins = separate(samples, pattern)
    assert margins.feasible[:, 1:].all()
    for level in range(2):
        for slab in (1, 17, 30):
            w, b = margins.weights[level, slab].numpy(), margins.biases[level, slab].item()
            slack, remainder = slack_and_remainder(samples[level], pattern[slab], w, b)
            assert slack > -TOLERANCE
            assert remainder < 1e-10


def test_scanning_in_blocks_changes_nothing(monkeypatch):
    _, samples = clusters(3, 6, 5, 40, 0.1, levels=2)
    pattern = torch.eye(5, dtype=torch.bool)
    whole = separate(samples, pattern)
    monkeypatch.setattr(max_margin, "_BLOCK", 1)
    # only the order of a sum in single precision differs, and it decides nothing but which samples are tried
    torch.testing.assert_close(separate(samples, pattern).weights, whole.weights, rtol=1e-12, atol=0)


@pytest.mark.parametrize("gap", [1e-1, 1e-4, 1e-7, 1e-10, 1e-13])
@pytest.mark.parametrize("size", [1e-12, 1.0, 1e12])
def test_a_gap_that_is_narrow_beside_the_data_is_solved(gap, size):
    rows, sign = size * np.array([[-1.0], [-gap / 2], [gap / 2], [1.0]]), np.array([-1.0, -1.0, 1.0, 1.0])
    (weight, bias), resting = hard_margin(rows, sign, np.empty(0, dtype=np.intp))
    np.testing.assert_allclose([size * weight, bias], [1 / gap, 0.5], rtol=1e-10)
    assert resting.tolist() == [1, 2]


@pytest.mark.parametrize("size", [1e-12, 1.0, 1e12])
def test_samples_that_touch_are_not_separable(size):
    """One lies between two others, but for a share of their distance."""
    for gap, found in ((1e-4, True), (1e-7, False), (0.0, False)):
        rows = size * np.array([[-1.0, 0.0], [1.0, 0.0], [0.0, gap]])
        optimum = hard_margin(rows, np.array([-1.0, -1.0, 1.0]), np.empty(0, dtype=np.intp))
        assert (optimum is not None) is found
        if optimum:
            np.testing.assert_allclose(np.linalg.norm(optimum[0][:-1]) * size * gap, 1, rtol=1e-10)


def test_clusters_near_each_other_beside_the_others_are_told_apart():
    """Two points a millionth of the set's size apart, sigma a share of that: slabs interpolate."""
    points = torch.tensor([[0.0, 0.0], [1e-6, 0.0], [1.0, 0.3], [0.2, 1.0]], dtype=torch.float64)
    samples = noisy_samples(
        points, torch.tensor([3e-8], dtype=torch.float64), 20, torch.Generator().manual_seed(0)
    )
    slabs, usable = slab_solution(samples, points, None)
    assert usable.all()
    residual = slabs(samples.flatten(1, 2)) - points[:, None].expand(-1, 20, -1).flatten(0, 1)
    assert residual.norm(dim=-1).max() < 1e-3 * 1e-6


@given(seeds)
@settings(max_examples=20, deadline=None)
def test_a_wrong_warm_start_is_corrected(seed):
    _, samples = clusters(seed, 4, 3, 20, 0.05)
    rows, sign = signed(samples[0], torch.tensor([True, False, False]))
    cold = hard_margin(rows, sign, np.empty(0, dtype=np.intp))
    # five unknowns: 30 active rows are dependent
    warm = hard_margin(rows, sign, np.random.default_rng(seed).choice(60, 30, replace=False))
    assert (cold is None) is (warm is None)
    if cold and warm:
        np.testing.assert_allclose(warm[0], cold[0], rtol=1e-9, atol=1e-9 * np.linalg.norm(cold[0]))


@given(seeds)
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
    assert_optimal(samples, pattern)
    slabs, usable = slab_solution(samples, points, pattern)
    assert usable.all()
    torch.testing.assert_close(slabs(samples[:, 1]), points[1].expand(1, 20, 2), atol=1e-9, rtol=0)
