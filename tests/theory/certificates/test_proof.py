"""Proved bounds, against dense searches, networks that are written down, and a convex solver."""

import itertools
import math

import cvxpy as cp
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from flowlab.theory.certificates.certificate import Projection, Search
from flowlab.theory.certificates.cutting_planes import cutting_planes
from flowlab.theory.certificates.demand_bound import demand_bound
from flowlab.theory.certificates.minimality import judge
from flowlab.theory.certificates.plane_search import largest_demand
from flowlab.theory.certificates.proof import proved_bound
from flowlab.theory.certificates.proving import ProofBudget, prove
from flowlab.theory.convex_programs.slab_solution import slab_solution
from flowlab.theory.networks.interpolation import Interpolation, noisy_samples
from flowlab.theory.networks.neurons import Neurons
from flowlab.theory.networks.pruning import live_neurons
from flowlab.theory.networks.relu_network import ReluNetwork, from_slabs

NEAR_SQUARE = [[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0.1]]


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def normal(*shape, seed=0):
    return torch.randn(shape, generator=generator(seed), dtype=torch.float64)


def demands(z, y, count, seed):
    """max over b of |F|, for so many random directions: every kink is tried, sample by sample."""
    w = torch.nn.functional.normalize(normal(count, y.shape[1], seed=seed), dim=-1)
    heights = w @ y.T
    at_kinks = (heights[:, None, :] - heights[:, :, None]).clamp_min(0)
    return torch.einsum("wik,kd->wid", at_kinks, z).norm(dim=-1).amax(-1)


@given(seed=st.integers(0, 10_000), dimension=st.integers(3, 5), size=st.integers(7, 14))
@settings(max_examples=20, deadline=None)
def test_no_direction_demands_more_than_the_bound(seed, dimension, size):
    y = normal(size, dimension, seed=seed)
    y = y - y.mean(0)
    z = Projection(y)(normal(size, 2, seed=seed + 1))
    seen = float(demands(z, y, 4_000, seed).max())
    tight = demand_bound(z, y, 1.02 * seen, 60_000)
    assert seen <= tight.upper
    assert tight.lower <= tight.upper
    for regions in (0, 500):
        assert tight.lower <= demand_bound(z, y, 1.02 * seen, regions).upper


@given(seed=st.integers(0, 10_000))
@settings(max_examples=10, deadline=None)
def test_the_bound_closes_in_on_the_demand(seed):
    y = normal(9, 3, seed=seed)
    y = y - y.mean(0)
    z = Projection(y)(normal(9, 3, seed=seed + 1))
    found = demand_bound(z, y, 1e-9, 40_000)
    assert found.upper <= 1.05 * float(demands(z, y, 20_000, seed).max())


@given(seed=st.integers(0, 10_000), size=st.integers(4, 20))
@settings(max_examples=20, deadline=None)
def test_in_the_plane_and_on_a_line_the_bound_is_the_demand(seed, size):
    for dimension in (1, 2):
        y = normal(size, dimension, seed=seed)
        z = Projection(y)(normal(size, 2, seed=seed + 1))
        upper = demand_bound(z, y, 1.0, 100).upper
        exact = largest_demand(z, y) if dimension == 2 else float(demands(z, y, 1, seed).max())
        assert exact <= upper <= exact * (1 + 1e-9) + 1e-12


@given(
    seed=st.integers(0, 10_000),
    dimension=st.integers(1, 4),
    shift=st.sampled_from([0.0, 3.0, 1e3, 1e6]),
    scale=st.sampled_from([1e-6, 1e-2, 1.0, 1e6]),
)
@settings(max_examples=40, deadline=None)
def test_no_network_costs_less_than_what_is_proved(seed, dimension, shift, scale):
    """Any multipliers, on the values of a network that is written down, wherever the samples lie."""
    width, size = 2, 3 * dimension + 6
    y = scale * (normal(size, dimension, seed=seed) + shift)
    w = torch.nn.functional.normalize(normal(width, dimension, seed=seed + 1), dim=-1)
    a = normal(width, dimension, seed=seed + 2)
    x = (y @ w.T - (w @ y[:width].T).diagonal()).relu() @ a
    z = Projection(y)(x + scale * normal(size, dimension, seed=seed + 3) * (seed % 2))
    proof = proved_bound(z, y, x, 1.0, 3_000)
    # the values are rounded once, at the size of the samples: they are another network's, that much off
    off = 8 * 2.0**-52 * scale * (shift + 4) * float(a.norm()) * float(z.norm(dim=-1).sum())
    assert proof.bound * (proof.demand.upper or 1) <= float(a.norm(dim=-1).sum()) * proof.demand.upper + off


def dichotomy_slabs(one):
    """A network written down: slabs of hard-margin dichotomies, their jumps by a convex programme."""
    samples, points = one.samples[0].numpy(), one.points.numpy()
    count, dimension = points.shape
    sides, slopes, offsets = [], [], []
    for lifted in itertools.product((False, True), repeat=count - 1):
        side = np.array((False, *lifted))
        if not side.any():
            continue
        w, b = cp.Variable(dimension), cp.Variable()
        rows, signs = samples.reshape(-1, dimension), np.repeat(side, samples.shape[1])
        limits = [rows[signs] @ w + b >= 1, rows[~signs] @ w + b <= 0]
        margin = cp.Problem(cp.Minimize(cp.sum_squares(w)), limits)
        margin.solve(solver=cp.CLARABEL)
        if margin.status == "optimal":
            heights = rows @ w.value
            low, high = heights[~signs].max(), heights[signs].min()  # exact, whatever the solver's tolerance
            sides.append(side)
            slopes.append(w.value / (high - low))
            offsets.append(-low / (high - low))
    sides, slopes = np.array(sides, float), np.array(slopes)
    a, c = cp.Variable((len(sides), dimension)), cp.Variable((1, dimension))
    norms = np.linalg.norm(slopes, axis=1)
    exact = sides.T @ a + np.ones((count, 1)) @ c == points
    cp.Problem(cp.Minimize(2 * cp.sum(cp.multiply(norms, cp.norm(a, axis=1)))), [exact]).solve(solver=cp.CLARABEL)
    jumps = torch.tensor(a.value)
    inner, biases = torch.tensor(slopes), torch.tensor(offsets)
    return ReluNetwork(
        torch.cat([jumps, -jumps])[None],
        torch.cat([inner, inner])[None],
        torch.cat([biases, biases - 1])[None],
        torch.zeros(1, dimension, dimension, dtype=torch.float64),
        torch.tensor(c.value),
    )


def proved(one, cost, hints, gap=0.01, budget=None, search=None):
    y, x = one.inputs[0], one.targets[0]
    found = cutting_planes(y, x, hints, cost, gap / 2, 20, search or Search(64), generator())
    return found, prove(
        y, x, found.program, found.bound, cost, gap, budget or ProofBudget(4, 200_000), Search(64), generator()
    )


def problem(points, sigma, count, seed=0):
    x = torch.as_tensor(points, dtype=torch.float64)
    level = torch.tensor([sigma], dtype=torch.float64)
    return Interpolation(noisy_samples(x, level, count, generator(seed)), x, level)


def test_shifted_points_prove_no_more_than_a_network_that_interpolates():
    """Five points far from the origin: a search in single precision about the origin claimed more than 8.1."""
    points = normal(5, 5, seed=100)
    one = problem(points, 0.05, 30)
    network = dichotomy_slabs(one)
    cost = float(network.balanced_cost[0])
    shifted = Interpolation(one.samples + 3, one.points + 3, one.sigma)
    moved = ReluNetwork(
        network.outer, network.inner, network.biases - 3 * network.inner.sum(-1), network.skip, network.offset + 3
    )
    # Clarabel's feasibility, on values of size three
    assert (moved(shifted.inputs) - shifted.targets).abs().max() < 1e-6
    slabs, _ = slab_solution(shifted.samples, shifted.points, None)
    hints = live_neurons(from_slabs(slabs))[0]
    found, proof = proved(shifted, float(slabs.cost[0]), hints, budget=ProofBudget(1, 20_000))
    assert found.bound.value <= cost * (1 + 1e-3)  # an estimate has no guarantee: an ascent's rest
    assert 0 < proof.bound <= cost


@pytest.mark.slow
@pytest.mark.parametrize("points", [NEAR_SQUARE, [[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]]])
@pytest.mark.parametrize(("shift", "scale"), [(0.0, 1.0), (1e3, 1e-3)])
def test_one_percent_is_proved_in_three_dimensions(points, shift, scale):
    one = problem(points, 0.05, 30)
    network = dichotomy_slabs(one)
    cost = float(network.balanced_cost[0])
    moved = Interpolation(scale * (one.samples + shift), scale * (one.points + shift), one.sigma)
    hints = live_neurons(network, 1e-4)[0]
    hints = Neurons(hints.weights, scale * (hints.biases - shift * hints.weights.sum(-1)))
    found, proof = proved(moved, cost, hints)
    assert proof.bound <= cost * (1 + 1e-6)  # the jumps are Clarabel's
    best = min(cost, found.program.cost)
    assert proof.bound >= 0.98 * best
    assert math.isfinite(proof.demand.upper)
    assert proof.demand.lower <= proof.demand.upper


@pytest.mark.parametrize(("count", "sigma"), [(6, 0.05), (6, 0.15), (20, 0.05)])
def test_slabs_about_a_corner_in_space_are_minimal_to_one_percent(count, sigma):
    """Three points at right angles in three dimensions: proved draw by draw, at low noise."""
    one = problem([[0, 0, 0], [1, 0, 0], [0, 1, 0]], sigma, count)
    slabs, usable = slab_solution(one.samples, one.points, None)
    assert usable.all()
    verdict = judge(
        from_slabs(slabs), one, None, None, 1e-6, 0.01, ProofBudget(4, 300_000), Search(64), generator()
    )
    assert verdict.word == "minimal"
    assert verdict.gap_proved <= 0.01
    assert verdict.bound_proved <= verdict.bound_estimate <= float(slabs.cost[0]) * (1 + 1e-3)
