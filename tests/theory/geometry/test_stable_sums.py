"""From which radius on subset sums are stable: the theorem's own formulas, and the attractors of h."""

import itertools
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from kicked import comes_back

from flowlab.theory.flows.attractors import attractors
from flowlab.theory.flows.convergence import empirical_order
from flowlab.theory.geometry.frame import frame_of
from flowlab.theory.geometry.line import line_geometry
from flowlab.theory.geometry.simplex import simplex_geometry
from flowlab.theory.geometry.stable_sums import critical_radii, distinct_sums

seeds = st.integers(0, 10**6)


def normal(seed, *shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def obtuse(seed, count, tilt):
    widest = math.acos(-1 / (count - 1)) if count > 2 else math.pi
    cosine = math.cos(math.pi / 2 + tilt * (widest - math.pi / 2))
    gram = torch.full((count, count), cosine, dtype=torch.float64).fill_diagonal_(1)
    lengths = 0.8 + 0.4 * torch.rand(count, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    frame = torch.linalg.qr(normal(seed, count, count))[0]
    edges = lengths[:, None] * torch.linalg.cholesky(gram) @ frame
    return simplex_geometry(torch.cat([torch.zeros_like(edges[:1]), edges])), edges


def triangle(radius=1.0):
    turns = torch.arange(3, dtype=torch.float64) * (2 * math.pi / 3)
    return simplex_geometry(radius * torch.stack([turns.cos(), turns.sin()], -1))


@settings(max_examples=30, deadline=None)
@given(seeds, st.integers(2, 5), st.floats(0.05, 0.9))
def test_critical_radii_of_an_obtuse_simplex_are_the_theorems(seed, count, tilt):
    geometry, edges = obtuse(seed, count, tilt)
    units = edges / edges.norm(dim=-1, keepdim=True)
    pull = (units @ edges.mT).abs()
    subsets = list(itertools.product([False, True], repeat=count))
    expected = {}
    for subset in subsets:
        chosen = [k for k in range(count) if subset[k]]
        loads = [sum(float(pull[k, n]) for n in chosen if n != k) for k in chosen]
        expected[tuple((torch.tensor(subset).double() @ edges).round(decimals=6).tolist())] = max(loads, default=0)
    points, _ = distinct_sums(geometry)
    assert len(points) == 2**count
    found = [expected[tuple((point + 0.0).round(decimals=6).tolist())] for point in points]
    # foot planes are exact to about 1e-12
    torch.testing.assert_close(
        critical_radii(geometry), torch.tensor(found, dtype=torch.float64), atol=1e-9, rtol=0
    )


@settings(max_examples=20, deadline=None)
@given(seeds, st.integers(2, 5), st.floats(0.05, 0.9), st.floats(0.02, 0.38))
def test_a_sum_is_an_attractor_exactly_where_the_radius_is_critical_or_more(seed, count, tilt, rho):
    geometry, _ = obtuse(seed, count, tilt)
    slabs = geometry.closed_form(torch.tensor([rho], dtype=torch.float64))
    points, _ = distinct_sums(geometry)
    critical = critical_radii(geometry)
    found = attractors(slabs, points, frame_of(geometry), 200)
    kept = found.stable & ((found.limits - points).norm(dim=-1) <= 1e-8)
    clear = (critical - rho).abs() > 1e-6  # foot planes are exact to about 1e-12
    assert torch.equal(kept[clear], (critical <= rho)[clear])
    kick = 1e-4
    returned = comes_back(lambda y: slabs(y[None])[0], points, kick, seed)
    # nearer to its critical radius than the kick, a sum may go either way
    clear = (critical - rho).abs() > 2 * kick
    assert torch.equal(kept[clear], returned[clear])


def test_a_triangles_centre_is_fixed_but_does_not_attract_below_half_its_radius():
    geometry = triangle()
    points, owner = distinct_sums(geometry)
    assert (len(points), len(owner)) == (7, 8)
    critical = critical_radii(geometry)
    assert sorted(critical.tolist()) == pytest.approx([0, 0, 0, 0.5, 0.5, 0.5, 0.5])
    centre = torch.zeros(1, 2, dtype=torch.float64)
    for rho, stays in ((0.1, False), (0.45, False), (0.55, True)):
        slabs = geometry.closed_form(torch.tensor([rho], dtype=torch.float64))
        assert (slabs(centre[None]) - centre).norm() < 1e-12
        assert attractors(slabs, centre, frame_of(geometry), 100).stable.tolist() == [stays]
        assert comes_back(lambda y, s=slabs: s(y[None])[0], centre, 1e-3, 0).tolist() == [stays]


def test_all_sums_of_an_orthogonal_set_are_stable_at_any_radius():
    edges = torch.diag(torch.tensor([1.0, 1.2, 0.9], dtype=torch.float64))
    geometry = simplex_geometry(torch.cat([torch.zeros_like(edges[:1]), edges]))
    assert critical_radii(geometry).tolist() == [0] * 8


def test_where_the_offset_moves_or_there_are_no_sums_the_condition_is_not_known():
    acute = simplex_geometry(torch.tensor([[0.0, 0], [1, 0], [0.45, 0.8]], dtype=torch.float64))
    with pytest.raises(ValueError, match="moves with rho"):
        critical_radii(acute)
    with pytest.raises(ValueError, match="no closed form with subset sums"):
        critical_radii(line_geometry(torch.tensor([[0.0, 0], [1, 0]], dtype=torch.float64)))


@given(st.floats(0.2, 4), st.floats(1e-3, 1e3))
def test_the_order_of_a_power_law_is_its_exponent(order, size):
    steps = [10, 20, 50, 100]
    errors = [size * n**-order for n in steps]
    assert empirical_order(steps, errors) == pytest.approx(order, abs=1e-6)


def test_rounding_has_no_order():
    assert empirical_order([10, 20, 40], [1e-15, 3e-15, 1e-14]) is None
    assert empirical_order([10, 20], [1e-2, 1e-15]) is None
