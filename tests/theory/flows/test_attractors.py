"""Stable means attractor: against a kicked iteration, against pieces found by sampling, and on known points."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from kicked import comes_back

from flowlab.theory.flows.affine_regions import affine_regions
from flowlab.theory.flows.attractors import attractors
from flowlab.theory.flows.pieces import MOST_KINKS, stability
from flowlab.theory.flows.region_flow import region_flow
from flowlab.theory.geometry.frame import Frame, frame_of
from flowlab.theory.geometry.simplex import simplex_geometry
from flowlab.theory.geometry.stable_sums import distinct_sums
from flowlab.theory.networks.mmse import EmpiricalMmse
from flowlab.theory.networks.relu_network import ReluNetwork, from_slabs

seeds = st.integers(0, 10**6)
UNIT = Frame(torch.zeros(2, dtype=torch.float64), 1.0)


def normal(seed, *shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def polygon(count=3, radius=1.0):
    turns = torch.arange(count, dtype=torch.float64) * (2 * math.pi / count)
    return radius * torch.stack([turns.cos(), turns.sin()], -1)


def form(geometry, rho):
    return geometry.closed_form(torch.tensor([rho], dtype=torch.float64))


def verdicts(found):
    return list(zip(found.converged.tolist(), found.stable.tolist(), found.undecided.tolist(), strict=True))


FIXED = (True, False, False)
STABLE = (True, True, False)


def test_the_centre_of_a_triangle_is_fixed_and_no_attractor():
    geometry = simplex_geometry(polygon())
    points = torch.cat([geometry.anchor[None], geometry.points])
    found = attractors(form(geometry, 0.2), points, frame_of(geometry), 200)
    assert verdicts(found) == [FIXED, STABLE, STABLE, STABLE]
    torch.testing.assert_close(found.limits, points, atol=1e-12, rtol=0)
    # from half the radius on all slabs are flat there
    assert verdicts(attractors(form(geometry, 0.55), points, frame_of(geometry), 200)) == [STABLE] * 4


def test_the_sum_of_orthogonal_points_without_the_origin_is_fixed_and_no_attractor():
    geometry = simplex_geometry(torch.eye(4, dtype=torch.float64))
    whole = (geometry.anchor + geometry.edges.sum(0))[None]
    found = attractors(form(geometry, 0.1), whole, frame_of(geometry), 200)
    assert verdicts(found) == [FIXED]
    torch.testing.assert_close(found.limits, whole, atol=1e-12, rtol=0)


@settings(max_examples=40, deadline=None)
@given(seeds, st.integers(2, 5), st.integers(2, 12))
def test_stable_limits_of_random_networks_are_those_that_undo_a_kick(seed, dimension, width):
    shapes = ((width, dimension), (width, dimension), (width,), (dimension, dimension), (dimension,))
    parts = [normal(seed + k, 1, *shape) * size for k, (shape, size) in enumerate(
        zip(shapes, (0.6, 0.6, 1.0, 0.2, 1.0), strict=True))]  # fmt: skip
    network = ReluNetwork(*parts)
    frame = Frame(torch.zeros(dimension, dtype=torch.float64), 1.0)
    found = attractors(network, normal(seed + 9, 30, dimension), frame, 300)
    fixed = found.limits[found.converged]
    assert float((network(fixed[None])[0] - fixed).norm(dim=-1).max() if len(fixed) else 0) < 1e-9
    returned = comes_back(lambda y: network(y[None])[0], fixed, 1e-5, seed)
    assert torch.equal(found.stable[found.converged], returned)
    assert not found.undecided.any()


@settings(max_examples=20, deadline=None)
@given(seeds, st.integers(2, 4), st.floats(0.1, 0.9), st.integers(-12, 12), st.sampled_from([0.0, 1e6]))
def test_which_sums_are_stable_knows_no_unit_and_no_origin(seed, count, share, power, shift):
    edges = normal(seed, count, count)
    points = torch.cat([edges[:1] * 0, edges])
    kept = []
    for size, place in ((1.0, 0.0), (10.0**power, shift)):
        geometry = simplex_geometry(size * (place + points))
        rho = share * float(form(geometry, 0.0).widths.min()) / 2
        sums, _ = distinct_sums(geometry)
        found = attractors(form(geometry, rho), sums, frame_of(geometry), 200)
        near = (found.limits - sums).norm(dim=-1) <= 0.2 * geometry.scale
        kept.append((near & found.stable).tolist())
    assert kept[0] == kept[1]
    assert sum(kept[0]) >= len(points)


def network(outer, inner, biases):
    outer, inner = (torch.tensor([rows], dtype=torch.float64) for rows in (outer, inner))
    zero = torch.zeros(1, 2, 2, dtype=torch.float64)
    return ReluNetwork(outer, inner, torch.tensor([biases], dtype=torch.float64), zero, zero[:, 0])


def judged(one):
    stable, undecided = stability(one, torch.zeros(1, 2, dtype=torch.float64), 1e-9)
    return bool(stable), bool(undecided)


def test_every_piece_that_meets_a_point_counts():
    # J = 2 e1 e1^T where y1 > 0, and 0 elsewhere: stable from one side alone
    assert judged(network([[2.0, 0]], [[1.0, 0]], [0.0])) == (False, False)
    # below 1 on either side
    assert judged(network([[0.9, 0]], [[1.0, 0]], [0.0])) == (True, False)
    # each neuron alone is below 1, both together 1.2: there is such a piece
    assert judged(network([[0.6, 0.6]] * 2, [[1.0, 0], [0, 1.0]], [0.0, 0.0])) == (False, False)
    # the same two with opposite kinks are never on together: the 2^2 pieces do not decide
    assert judged(network([[0.6, 0], [-0.6, 0]], [[1.0, 0], [-1.0, 0]], [0.0, 0.0])) == (False, True)
    # of opposite kinks, one side is unstable for sure
    assert judged(network([[1.6, 0], [-0.6, 0]], [[1.0, 0], [-1.0, 0]], [0.0, 0.0])) == (False, False)
    # an eigenvalue of 1: a line of fixed points, not told from either side of it
    assert judged(network([[1.0, 0]], [[1.0, 0]], [1.0])) == (False, True)
    # a dead neuron has no kink
    assert judged(network([[0.0, 0], [0.5, 0]], [[1.0, 0], [1.0, 0]], [0.0, 1.0])) == (True, False)


def test_more_kinks_than_can_be_told_apart_are_undecided():
    angles = torch.arange(MOST_KINKS + 1, dtype=torch.float64)
    rows = torch.stack([angles.cos(), angles.sin()], -1).tolist()
    assert judged(network([[1e-3, 0]] * len(rows), rows, [0.0] * len(rows))) == (False, True)
    assert judged(network([[1e-3, 0]] * (len(rows) - 1), rows[:-1], [0.0] * (len(rows) - 1))) == (True, False)


def test_a_rotation_slower_than_growth_is_stable_and_a_steep_one_may_be():
    # eigenvalues 0.5 +- 3i: the flow dy/dr = h - y spirals in, though the iteration itself does not
    turning = network([[0.5, 3.0], [-3.0, 0.5]], [[1.0, 0], [0, 1.0]], [1.0, 1.0])
    assert judged(turning) == (True, False)
    assert judged(network([[1.1, 3.0], [-3.0, 1.1]], [[1.0, 0], [0, 1.0]], [1.0, 1.0])) == (False, False)


def test_a_limit_that_the_iteration_creeps_up_to_is_solved_for():
    # h = 0.999 y + 0.001 on a half plane: after 50 steps the iteration has done a twentieth of its way
    creeping = network([[0.999, 0], [0, 0.999]], [[1.0, 0], [0, 1.0]], [0.0, 0.0])
    offset = torch.tensor([[0.001, 0.001]], dtype=torch.float64)
    shifted = ReluNetwork(creeping.outer, creeping.inner, creeping.biases, creeping.skip, offset)
    found = attractors(shifted, torch.tensor([[0.5, 0.7]], dtype=torch.float64), UNIT, 50)
    assert verdicts(found) == [STABLE]
    torch.testing.assert_close(found.limits, torch.ones(1, 2, dtype=torch.float64), atol=1e-9, rtol=0)
    # without a fixed point it moves on for ever
    offset = torch.tensor([[0.001, 0.0]], dtype=torch.float64)
    drifting = ReluNetwork(creeping.outer / 0.999, creeping.inner, creeping.biases, creeping.skip, offset)
    found = attractors(drifting, torch.tensor([[0.5, 0.7]], dtype=torch.float64), UNIT, 50)
    assert verdicts(found) == [(False, False, False)]


@pytest.mark.parametrize("sigma", [0.1, 0.3])
def test_a_smooth_denoiser_is_judged_by_its_jacobian(sigma):
    points = polygon()
    mmse = EmpiricalMmse(points, torch.tensor([sigma], dtype=torch.float64))
    starts = torch.cat([points, torch.zeros(1, 2, dtype=torch.float64), -points])
    found = attractors(mmse, starts, UNIT, 200)
    assert found.converged.all()
    # about the centre h is y |x|^2 / (2 sigma^2) to first order: unstable below sigma = 1 / sqrt 2
    assert verdicts(found)[:4] == [STABLE, STABLE, STABLE, FIXED]
    assert torch.equal(found.stable, comes_back(lambda y: mmse(y[None])[0], found.limits, 1e-5, 0))
    wide = EmpiricalMmse(points, torch.tensor([1.0], dtype=torch.float64))
    assert verdicts(attractors(wide, starts, UNIT, 400)) == [STABLE] * 7


def test_slabs_and_the_network_that_equals_them_are_judged_alike():
    geometry = simplex_geometry(torch.cat([torch.zeros(1, 4), torch.eye(4)]).double())
    slabs, starts = form(geometry, 0.1), 0.5 + normal(3, 200, 4)
    one, other = (attractors(each, starts, frame_of(geometry), 200) for each in (slabs, from_slabs(slabs)))
    assert verdicts(one) == verdicts(other)
    assert 0.9 < float(one.stable.double().mean()) <= 1


def test_pieces_that_each_attract_and_together_repel_are_not_called_stable():
    """One neuron in space: eigenvalues below 1 on both sides of its kink, and yet the flow leaves the origin."""
    network = ReluNetwork(
        torch.tensor([[[-5.0, 68.0, -169.0]]], dtype=torch.float64),
        torch.tensor([[[1.0, 0.0, 0.0]]], dtype=torch.float64),
        torch.zeros(1, 1, dtype=torch.float64),
        torch.tensor([[[0.666, -1.0, 0.0], [0.37, 1.0, -1.0], [-0.09, 0.0, 1.0]]], dtype=torch.float64),
        torch.zeros(1, 3, dtype=torch.float64),
    )
    stable, undecided = stability(network, torch.zeros(1, 3, dtype=torch.float64), 1e-9)
    assert not bool(stable[0])
    assert bool(undecided[0])
    start = 1e-6 * torch.ones(1, 3, dtype=torch.float64)
    time = torch.tensor([90.0], dtype=torch.float64)
    far = region_flow(affine_regions(network), start, time, to_limit=False).states[0]
    assert float(far.norm()) > 1e-3
