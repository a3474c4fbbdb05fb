"""Slabs over all dichotomies against a cone solver on the full programme, and what must not change them.

Tolerances: Clarabel stops at 1e-10 in cost, slopes are known to 1e-10; what is compared between two solutions of
ours agrees to the rounding of samples, stated where it is more.
"""

import warnings
from time import perf_counter

import cvxpy
import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from flowlab.theory.convex_programs import dichotomies
from flowlab.theory.convex_programs.max_margin import separate
from flowlab.theory.convex_programs.slab_solution import least_slabs
from flowlab.theory.networks.interpolation import noisy_samples
from flowlab.theory.solvers.fermat_weber import weighted_fermat_weber
from flowlab.theory.solvers.group_basis_pursuit import group_basis_pursuit
from flowlab.theory.solvers.sum_of_norms import sum_of_norms

seeds = st.integers(0, 10**6)
NEAR_SQUARE = [[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0.1]]
SQUARE = [[0.0, 0], [1, 0], [0, 1], [1, 1]]


def normal(seed, *shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def sampled(points, sigma=0.05, samples=30, seed=1):
    points = torch.as_tensor(points, dtype=torch.float64)
    noise = torch.tensor([sigma], dtype=torch.float64)
    return points, noisy_samples(points, noise, samples, torch.Generator().manual_seed(seed))


def every_set(count):
    """All dichotomies, as sets with the last point: an order and sides of its own."""
    rows = [
        [bool(number >> bit & 1) for bit in range(count - 1)] + [True] for number in range(2 ** (count - 1) - 1)
    ]
    return torch.tensor(rows)


def outside(points, samples):
    """The whole programme, offset included, by cvxpy and Clarabel: primal and dual value; None if infeasible."""
    above = every_set(len(points))
    slopes = separate(samples, above).weights[0].norm(dim=-1)
    kept = slopes.isfinite()
    above, slopes = above[kept].double().numpy(), slopes[kept].numpy()
    jumps, offset = cvxpy.Variable((len(above), points.shape[1])), cvxpy.Variable((1, points.shape[1]))
    meets = [above.T @ jumps + np.ones((len(points), 1)) @ offset == points.numpy()]
    problem = cvxpy.Problem(cvxpy.Minimize(2 * slopes @ cvxpy.norm(jumps, axis=1)), meets)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        problem.solve(solver=cvxpy.CLARABEL, tol_gap_abs=1e-10, tol_gap_rel=1e-10, tol_feas=1e-10)
    # of what can't be met it may say 'inaccurate', with a dual value beyond all bounds
    if problem.status.startswith("infeasible") or float(np.max(meets[0].violation())) > 1e-6:
        return None
    return problem.value, abs(float((meets[0].dual_value * points.numpy()).sum()))


def single_cost(points, samples):
    """The cost of one slab a point about the Fermat-Weber point; infinite where they don't exist."""
    slopes = separate(samples, torch.eye(len(points), dtype=torch.bool)).weights[0].norm(dim=-1)
    slopes = slopes.nan_to_num(nan=torch.inf)
    if slopes.isinf().sum() > 1:
        return float("inf")
    lengths = (points - weighted_fermat_weber(points, slopes)).norm(dim=-1)
    return float(2 * (slopes * lengths).nan_to_num(nan=0.0).sum())


def residual(solved, points, samples):
    return (solved.slabs(samples.flatten(1, 2)) - points.repeat_interleave(samples.shape[2], 0)).abs().max()


@settings(max_examples=25, deadline=None)
@given(seeds, st.integers(2, 6), st.integers(1, 6), st.sampled_from([0.01, 0.05, 0.2]))
@example(94360, 6, 1, 0.05)  # two points of a line whose clusters overlap
def test_primal_and_dual_agree_with_an_outside_solver(seed, count, dimension, sigma):
    points, samples = sampled(normal(seed, count, dimension), sigma, 12, seed)
    solved, expected = least_slabs(samples, points, None), outside(points, samples)
    assert bool(solved.usable) is (expected is not None)
    if expected is not None:
        assert solved.slabs.cost.item() == pytest.approx(expected[0], rel=1e-6)
        assert solved.bound.item() == pytest.approx(expected[1], rel=1e-6)
        assert solved.bound.item() <= solved.slabs.cost.item() * (1 + 1e-12)
        assert residual(solved, points, samples) <= 1e-9 * points.abs().max()


@pytest.mark.parametrize(
    "points",
    [
        normal(0, 5, 5),
        normal(1, 5, 5),
        normal(2, 4, 3),
        normal(3, 4, 6),
        SQUARE,
        [[0.0, 0], [1, 0.1], [0.3, 0.9], [0.42, 0.38]],
        NEAR_SQUARE,
        normal(4, 5, 4),
        normal(5, 5, 3),
        normal(6, 5, 2),
        normal(7, 6, 3),
    ],
)
def test_no_dearer_than_single_slabs_and_through_every_sample(points):
    points, samples = sampled(points)
    solved = least_slabs(samples, points, None)
    assert solved.usable.all()
    assert solved.slabs.cost.item() <= single_cost(points, samples) * (1 + 1e-9)
    assert solved.bound.item() == pytest.approx(solved.slabs.cost.item(), rel=1e-8)
    assert residual(solved, points, samples) <= 1e-9 * points.abs().max()


def test_a_square_takes_two_slabs_at_half_the_cost_of_four():
    points, samples = sampled(SQUARE)
    solved = least_slabs(samples, points, None)
    assert solved.slabs.biases.shape == (1, 2)
    assert solved.slabs.cost.item() < 0.5 * single_cost(points, samples)


def test_a_point_between_others_needs_no_slab_of_its_own():
    # five points, two of them in the hull of the others: single slabs don't exist, in the plane or on a line
    for points in ([[0.0, 0], [2, 0], [0, 2], [0.6, 0.5], [0.5, 0.9]], [[0.0, 0], [1, 0], [2, 0], [3, 0]]):
        points, samples = sampled(points)
        assert single_cost(points, samples) == float("inf")
        solved = least_slabs(samples, points, None)
        assert solved.usable.all()
        assert residual(solved, points, samples) <= 1e-9 * 3


@settings(max_examples=15, deadline=None)
@given(seeds, st.integers(3, 5), st.integers(2, 4), st.sampled_from([1e-12, 1e-5, 1e6, 1e12]))
def test_scale_rotation_and_order_do_not_change_the_cost(seed, count, dimension, scale):
    points, samples = sampled(normal(seed, count, dimension), 0.03, 15, seed)
    plain = least_slabs(samples, points, None)
    turn = scale * torch.linalg.qr(normal(seed + 1, dimension, dimension))[0]
    order = torch.randperm(count, generator=torch.Generator().manual_seed(seed))
    moved = least_slabs(samples[:, order] @ turn, points[order] @ turn, None)
    assert torch.equal(moved.usable, plain.usable)
    if plain.usable:
        torch.testing.assert_close(moved.slabs.cost, plain.slabs.cost, rtol=1e-8, atol=0)


@settings(max_examples=15, deadline=None)
@given(seeds, st.integers(3, 5), st.integers(2, 4), st.sampled_from([1.0, 1e3, 1e6]))
def test_a_shift_does_not_change_the_cost(seed, count, dimension, shift):
    points, samples = sampled(normal(seed, count, dimension), 0.03, 15, seed)
    plain = least_slabs(samples, points, None)
    moved = least_slabs(samples + shift, points + shift, None)
    assert torch.equal(moved.usable, plain.usable)
    if plain.usable:
        # the shifted samples are other numbers, by the shift's rounding as a share of the narrowest gap
        rounding = 1e-15 * shift * plain.slabs.weights.norm(dim=-1).max().item()
        torch.testing.assert_close(moved.slabs.cost, plain.slabs.cost, rtol=1e-8 + 100 * rounding, atol=0)


@settings(max_examples=8, deadline=None)
@given(seeds, st.integers(4, 7), st.integers(2, 5))
def test_trying_some_dichotomies_is_never_below_pricing_all(seed, count, dimension):
    points, samples = sampled(normal(seed, count, dimension), 0.03, 15, seed)
    every = least_slabs(samples, points, None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dichotomies, "MOST_POINTS", 2)
        some = least_slabs(samples, points, None)
    assert some.bound.isnan().all()  # nothing is claimed
    if some.usable:
        assert every.usable
        assert some.slabs.cost.item() >= every.slabs.cost.item() * (1 - 1e-9)
        assert residual(some, points, samples) <= 1e-9 * points.abs().max()


def test_sets_of_a_theorem_keep_one_slab_a_point():
    points, samples = sampled(torch.cat([torch.zeros(1, 5), torch.eye(5)]), 0.05, 200)
    solved = least_slabs(samples, points, None)
    assert solved.slabs.biases.shape == (1, 5)
    assert torch.equal(solved.slabs.offset[0], points[0])
    torch.testing.assert_close(solved.slabs.jumps[0], points[1:], rtol=0, atol=0)
    assert solved.slabs.cost.item() == pytest.approx(single_cost(points, samples), rel=1e-12)
    assert solved.bound.item() == pytest.approx(solved.slabs.cost.item(), rel=1e-8)


def test_thirty_orthogonal_edges_are_left_to_the_theorem_and_proved_nothing():
    points, samples = sampled(torch.cat([torch.zeros(1, 20), torch.eye(20)]), 0.05, 60)
    solved = least_slabs(samples, points, None)
    assert solved.complete
    assert solved.bound.isnan().all()
    assert solved.slabs.cost.item() == pytest.approx(single_cost(points, samples), rel=1e-12)


def test_levels_of_different_slabs_are_padded_with_idle_ones():
    points = torch.tensor(NEAR_SQUARE, dtype=torch.float64)
    sigma = torch.tensor([0.09, 0.03, 1e-4, 5.0], dtype=torch.float64)
    samples = noisy_samples(points, sigma, 20, torch.Generator().manual_seed(3))
    solved = least_slabs(samples, points, None)
    assert solved.usable.tolist() == [True, True, True, False]
    assert solved.slabs.offset[3].isnan().all()
    off = solved.slabs(samples.flatten(1, 2))[:3] - points.repeat_interleave(20, 0)
    assert off.abs().max() < 1e-9


@settings(max_examples=25, deadline=None)
@given(seeds, st.integers(1, 40), st.integers(1, 8), st.integers(1, 4))
def test_group_basis_pursuit_against_a_cone_solver(seed, count, equations, width):
    rng = np.random.default_rng(seed)
    rows, weights = rng.normal(size=(count, equations)), rng.uniform(0.5, 2, count)
    target = rng.normal(size=(equations, width))
    found = group_basis_pursuit(rows, target, weights)
    if count < equations:
        assert found is None  # more equations than groups: random ones have no solution
        return
    groups = cvxpy.Variable((count, width))
    problem = cvxpy.Problem(cvxpy.Minimize(weights @ cvxpy.norm(groups, axis=1)), [rows.T @ groups == target])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        problem.solve(solver=cvxpy.CLARABEL, tol_gap_abs=1e-10, tol_gap_rel=1e-10, tol_feas=1e-10)
    assert found.cost == pytest.approx(problem.value, rel=1e-6)
    np.testing.assert_allclose(rows.T @ found.groups, target, atol=1e-10 * np.abs(found.groups).max())
    assert (np.linalg.norm(rows @ found.multipliers, axis=1) <= weights * (1 + 1e-12)).all()
    assert found.bound == pytest.approx((found.multipliers * target).sum(), rel=1e-9)
    assert 0 <= 1 - found.bound / found.cost + 1e-12 < 1e-8


def test_clusters_that_overlap_have_no_slabs_and_are_given_up_at_once():
    """Thirty-one clusters of one place: what no hyperplane parts is not looked for among 2^30 dichotomies."""
    generator = torch.Generator().manual_seed(0)
    points = torch.eye(30, dtype=torch.float64)
    points = torch.cat([torch.zeros(1, 30, dtype=torch.float64), points])
    for count in (8, 31):
        noise = torch.randn(1, count, 100, 30, generator=generator, dtype=torch.float64)
        begin = perf_counter()
        solved = least_slabs(points[None, :count, None] + 10 * noise, points[:count], None)
        assert not bool(solved.usable.any())
        assert perf_counter() - begin < 20  # a tenth of a second on a core of its own


@settings(max_examples=20, deadline=None)
@given(seeds, st.integers(3, 40), st.integers(1, 6), st.integers(1, 4), st.sampled_from([1e-2, 1e-4, 1e-7]))
def test_a_wide_gap_is_kept_and_both_sides_are_feasible(seed, count, equations, width, gap):
    draw = np.random.default_rng(seed)
    basis = np.linalg.qr(draw.normal(size=(max(count, equations), equations)))[0]
    goal = draw.normal(size=(equations, width))
    groups, dual = sum_of_norms(basis, goal, gap)
    groups_exact = group_basis_pursuit(basis, goal, np.ones(len(basis)))
    cost, bound = np.linalg.norm(groups, axis=1).sum(), (dual * goal).sum()
    np.testing.assert_allclose(basis.T @ groups, goal, atol=1e-12)
    assert np.linalg.norm(basis @ dual, axis=1).max() < 1
    assert bound <= groups_exact.cost * (1 + 1e-9)
    assert groups_exact.bound * (1 - 1e-9) <= cost <= bound / (1 - gap)
