"""The enumeration of fixed points against closed forms and against roots found on a fine grid."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from flowlab.theory.flows.fixed_points import all_fixed_points
from flowlab.theory.geometry.frame import frame_of
from flowlab.theory.geometry.line import line_geometry
from flowlab.theory.geometry.simplex import simplex_geometry
from flowlab.theory.networks.relu_network import ReluNetwork, from_slabs

seeds = st.integers(0, 10**6)


def normal(seed, *shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def form(geometry, rho):
    return from_slabs(geometry.closed_form(torch.tensor([rho], dtype=torch.float64)))


def gap(points, others):
    """Largest distance of a point from the nearest of the others."""
    return float((points[:, None] - others).norm(dim=-1).amin(-1).max())


def polygon(count=3, radius=1.0):
    turns = torch.arange(count, dtype=torch.float64) * (2 * math.pi / count)
    return radius * torch.stack([turns.cos(), turns.sin()], -1)


@settings(max_examples=15, deadline=None)
@given(seeds, st.integers(1, 4), st.floats(0.02, 0.35))
def test_an_orthogonal_set_has_three_to_the_n_of_which_the_vertices_are_stable(seed, count, rho):
    lengths = 0.8 + torch.rand(count, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    edges = lengths[:, None] * torch.linalg.qr(normal(seed, count + 1, count))[0].mT
    found = all_fixed_points(form(simplex_geometry(torch.cat([torch.zeros_like(edges[:1]), edges])), rho))
    # along each edge: the two ends, and half way
    thirds = torch.cartesian_prod(*[torch.tensor([0, 0.5, 1], dtype=torch.float64)] * count).reshape(-1, count)
    assert (len(found.points), int(found.stable.sum()), found.singular) == (3**count, 2**count, 0)
    assert gap(thirds @ edges, found.points) < 1e-8  # slopes of at most ten amplify rounding
    vertices = thirds[(thirds != 0.5).all(-1)] @ edges
    assert gap(vertices, found.points[found.stable]) < 1e-8


@pytest.mark.parametrize(("rho", "stable"), [(0.05, 3), (0.25, 3), (0.45, 3), (0.55, 7), (0.7, 7)])
def test_an_equilateral_triangle_below_and_above_half_its_radius(rho, stable):
    points = polygon()
    found = all_fixed_points(form(simplex_geometry(points), rho))
    expected = points if stable == 3 else torch.cat([points, -points, torch.zeros_like(points[:1])])
    assert int(found.stable.sum()) == stable
    assert gap(expected, found.points[found.stable]) < 1e-9
    assert gap(found.points[found.stable], expected) < 1e-9
    middles = (points + points.roll(1, 0)) / 2
    # edges are crossed at their middles, at any radius
    assert gap(middles, found.points[~found.stable]) < 1e-9


def test_a_line_has_its_points_and_the_middles_between_them():
    places = torch.tensor([[0.0, 0], [0.6, 0], [1.5, 0]], dtype=torch.float64)
    found = all_fixed_points(form(line_geometry(places), 0.1))
    assert gap(places, found.points[found.stable]) < 1e-12
    assert sorted(found.points[~found.stable][:, 0].tolist()) == pytest.approx([0.3, 1.05])


@settings(max_examples=40, deadline=None)
@given(seeds, st.integers(1, 8))
def test_no_root_of_a_random_network_is_missed(seed, count):
    """In one dimension, against the changes of sign of h(y) - y on a fine grid; stable where it falls."""
    network = ReluNetwork(*(normal(seed + k, 1, *shape) for k, shape in enumerate(
        ((count, 1), (count, 1), (count,), (1, 1), (1,)))))  # fmt: skip
    found = all_fixed_points(network)
    grid = torch.linspace(-50, 50, 200_001, dtype=torch.float64)
    drift = (network(grid[None, :, None])[0, :, 0] - grid).numpy()
    crossings = np.flatnonzero(np.diff(np.sign(drift)))
    inside = found.points[:, 0].abs() < 50
    roots, order = found.points[inside][:, 0].sort()
    # roots closer than the grid come and go in pairs, and cannot be seen on it
    if len(roots) < 2 or float(roots.diff().min()) > 1e-3:
        assert len(crossings) == len(roots)
        falling = torch.from_numpy(drift[crossings] > 0)
        assert torch.equal(found.stable[inside][order], falling)
        assert np.allclose(grid[crossings].numpy(), roots.numpy(), atol=5.1e-4)


def network(slope, rise, height):
    """h(y) = slope y + c in one dimension by the skip connection, and one neuron."""
    one = torch.ones(1, 1, 1, dtype=torch.float64)
    return ReluNetwork(rise * one, one, one[0] * 0, slope * one, height * one[0])


def test_lines_of_fixed_points_are_counted_and_empty_ones_are_not():
    identity = all_fixed_points(network(1.0, 0.0, 0.0))
    assert (len(identity.points), identity.singular) == (0, 2)
    shifted = all_fixed_points(network(1.0, 0.0, 0.5))
    assert (len(shifted.points), shifted.singular) == (0, 0)


def test_a_point_on_a_kink_is_counted_once_and_stable_only_from_both_sides():
    found = all_fixed_points(network(0.5, 2.0, 0.0))  # h = y / 2 on the left, 5 y / 2 on the right of 0
    assert found.points.tolist() == [[0.0]]
    assert found.stable.tolist() == [False]
    assert all_fixed_points(network(0.5, 0.2, 0.0)).stable.tolist() == [True]


@pytest.mark.parametrize("power", [-12, 12])
def test_the_points_of_a_set_of_any_size_are_those_of_size_one(power):
    size = 10.0**power
    for points in (polygon(), 5 + polygon()):
        geometry, small = simplex_geometry(points), simplex_geometry(size * points)
        one, other = (
            all_fixed_points(form(each, rho), frame_of(each))
            for each, rho in ((geometry, 0.2), (small, 0.2 * size))
        )
        assert len(one.points) == len(other.points) == 7
        assert sorted(one.stable.tolist()) == sorted(other.stable.tolist())
        assert gap(one.points, other.points / size) < 1e-9
        assert gap(one.points[one.stable], other.points[other.stable] / size) < 1e-9


def test_seventeen_neurons_are_too_many():
    wide = torch.zeros(1, 17, 2)
    network = ReluNetwork(wide, wide, wide[..., 0], torch.zeros(1, 2, 2), torch.zeros(1, 2))
    with pytest.raises(ValueError, match="at most 16"):
        all_fixed_points(network)
