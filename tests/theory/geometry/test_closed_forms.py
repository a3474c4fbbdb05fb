"""The one slab construction against each theorem's own formula, on random geometries in float64.

Tolerance: the foot planes are exact to about 1e-12 relative, amplified by slopes of at most 1 / (l - 2 rho) <=
10 / l; 1e-9 leaves room for ill-conditioned random points.
"""

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from flowlab.theory.geometry.line import line_geometry
from flowlab.theory.geometry.orthogonal import orthogonal_closed_form
from flowlab.theory.geometry.simplex import simplex_closed_form, simplex_geometry
from flowlab.theory.geometry.subset_sums import fixed_points

CLOSE = {"atol": 1e-9, "rtol": 1e-9}
seeds = st.integers(0, 10**6)
shares = st.floats(0.02, 0.45)  # rho as a share of the shortest edge


def normal(seed, *shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def frame(seed, count, dimension):
    return torch.linalg.qr(normal(seed, dimension, count))[0].mT


def phi(t, length, rho):
    return (length * (t - rho) / (length - 2 * rho)).clamp(min=0).minimum(length)


def orthogonal(seed, count, dimension):
    lengths = 0.5 + torch.rand(count, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    shift = normal(seed + 1, dimension)
    edges = lengths[:, None] * frame(seed, count, dimension)
    return torch.cat([shift[None], shift + edges]), edges


def obtuse(seed, count, angle=None):
    widest = math.acos(-1 / (count - 1)) if count > 1 else math.pi
    angle = angle or 0.5 * (math.pi / 2 + widest)
    gram = torch.full((count, count), math.cos(angle), dtype=torch.float64).fill_diagonal_(1)
    lengths = 0.5 + torch.rand(count, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    edges = lengths[:, None] * torch.linalg.cholesky(gram) @ frame(seed, count, count + 1)
    return torch.cat([torch.zeros_like(edges[:1]), edges]), edges


def theorem(points, edges, rho, y):
    lengths = edges.norm(dim=-1)
    units = edges / lengths[:, None]
    return points[0] + phi((y - points[0]) @ units.mT, lengths, rho) @ units


@settings(max_examples=25, deadline=None)
@given(seeds, st.integers(1, 5), st.booleans(), shares)
def test_orthogonal_and_obtuse_theorem(seed, count, is_obtuse, share):
    points, edges = obtuse(seed, max(count, 2)) if is_obtuse else orthogonal(seed, count, count + 2)
    lengths = edges.norm(dim=-1)
    rho = share * lengths.min()
    geometry = simplex_geometry(points)
    slabs = geometry.closed_form(rho[None])
    y = points[0] + 2 * normal(seed + 2, 300, points.shape[1])
    torch.testing.assert_close(slabs(y[None])[0], theorem(points, edges, rho, y), **CLOSE)
    plain = orthogonal_closed_form(points[0], edges)(rho[None])
    torch.testing.assert_close(plain(y[None])[0], theorem(points, edges, rho, y), **CLOSE)
    torch.testing.assert_close(slabs.cost[0], (2 * lengths / (lengths - 2 * rho)).sum(), **CLOSE)
    assert geometry.conjecture is None


@settings(max_examples=25, deadline=None)
@given(seeds, st.floats(0.3, 3), shares)
def test_equilateral_triangle_theorem(seed, radius, share):
    turns = torch.arange(3, dtype=torch.float64) * (2 * math.pi / 3)
    points = radius * torch.stack([turns.cos(), turns.sin()], -1)
    rho = share * 1.5 * radius
    units, low, high = points / radius, -radius / 2 + rho, radius - rho
    y = 2 * radius * normal(seed, 300, 2)
    expected = (radius * (y @ units.mT - low) / (high - low)).clamp(0, radius) @ units
    slabs = simplex_geometry(points).closed_form(torch.tensor([rho], dtype=torch.float64))
    torch.testing.assert_close(slabs(y[None])[0], expected, **CLOSE)
    cost = torch.tensor([6 * radius / (1.5 * radius - 2 * rho)], dtype=torch.float64)
    torch.testing.assert_close(slabs.cost, cost, **CLOSE)
    # only the three training points are stable; from rho = r / 2 on the centre and the pair sums are too
    if abs(rho - radius / 2) > 1e-6:
        patterns, found = fixed_points(slabs)
        assert len(patterns) == (3 if rho < radius / 2 else 7)
        assert torch.cdist(points, found).amin(1).max() < 1e-9


@settings(max_examples=20, deadline=None)
@given(seeds, st.integers(2, 5), st.integers(1, 4), shares)
def test_constant_on_the_balls_of_any_simplex(seed, count, extra, share):
    points = normal(seed, count, count - 1 + extra)
    geometry = simplex_geometry(points)
    small = geometry.closed_form(torch.zeros(1, dtype=torch.float64))
    # the slab of the offset's own point is left out: its gap does not bind
    rho = share * small.widths[0].min()
    inside = torch.nn.functional.normalize(normal(seed + 1, count, 50, points.shape[1]), dim=-1)
    y = points[:, None] + 0.999 * rho * inside
    slabs = geometry.closed_form(rho[None])
    expected = points[:, None].expand_as(y).flatten(0, 1)
    torch.testing.assert_close(slabs(y.flatten(0, 1)[None])[0], expected, **CLOSE)


@settings(max_examples=20, deadline=None)
@given(seeds, st.integers(2, 6), shares)
def test_all_subset_sums_of_an_orthogonal_set_are_fixed(seed, count, share):
    points, edges = orthogonal(seed, count, count)
    geometry = simplex_geometry(points)
    slabs = geometry.closed_form((share * edges.norm(dim=-1).min())[None])
    patterns, sums = fixed_points(slabs)
    assert len(patterns) == 2**count
    torch.testing.assert_close(slabs(sums[None])[0], sums, **CLOSE)


@settings(max_examples=40, deadline=None)
@given(seeds, st.integers(2, 5), shares, st.floats(0.02, 0.9))
def test_obtuse_subset_sums_are_fixed_exactly_where_the_criterion_says(seed, count, share, tilt):
    widest = math.acos(-1 / (count - 1)) if count > 2 else math.pi
    points, edges = obtuse(seed, count, math.pi / 2 + tilt * (widest - math.pi / 2))
    lengths = edges.norm(dim=-1)
    rho = share * lengths.min()
    slabs = simplex_geometry(points).closed_form(rho[None])
    found = {tuple(row) for row in fixed_points(slabs)[0].tolist()}
    pull = ((edges / lengths[:, None]) @ edges.mT).abs()
    for subset in itertools.product([False, True], repeat=count):
        chosen = torch.tensor(subset)
        loads = [(pull[k] * chosen).sum() - pull[k, k] for k in range(count) if subset[k]]
        margins = [abs(float(load - rho)) for load in loads]
        if min(margins, default=1.0) > 1e-6:  # a tie is decided by rounding
            assert (subset in found) == all(load <= rho for load in loads)


@settings(max_examples=20, deadline=None)
@given(seeds, st.lists(st.floats(0.3, 2), min_size=1, max_size=5), shares)
def test_line_solution(seed, gaps, share):
    coordinates = torch.tensor([0.0, *itertools.accumulate(gaps)], dtype=torch.float64)
    axis, off = frame(seed, 2, 3).split(1)
    rho = share * min(gaps)
    geometry = line_geometry(coordinates[:, None] * axis)
    slabs = geometry.closed_form(torch.tensor([rho], dtype=torch.float64))
    t = torch.linspace(-1, float(coordinates[-1]) + 1, 500, dtype=torch.float64)
    knots = torch.stack([coordinates - rho, coordinates + rho], -1).flatten().numpy()
    expected = np.interp(t.numpy(), knots, coordinates.repeat_interleave(2).numpy())
    y = t[:, None] * axis + 0.7 * off
    torch.testing.assert_close(slabs(y[None])[0], torch.from_numpy(expected)[:, None] * axis, **CLOSE)
    cost = sum(2 * gap / (gap - 2 * rho) for gap in gaps)
    assert slabs.cost.item() == pytest.approx(cost, rel=1e-9)


@settings(max_examples=20, deadline=None)
@given(seeds, st.integers(2, 5))
def test_permutation_and_rotation_equivariance(seed, count):
    points = normal(seed, count, count + 1)
    turn = torch.linalg.qr(normal(seed + 1, count + 1, count + 1))[0]
    order = torch.randperm(count, generator=torch.Generator().manual_seed(seed))
    rho = torch.tensor([0.02], dtype=torch.float64)
    try:
        plain = simplex_geometry(points).closed_form(rho)
    except ValueError:
        return  # two points closer than two radii
    y = 2 * normal(seed + 2, 1, 100, count + 1)
    moved = simplex_geometry(points[order] @ turn.mT).closed_form(rho)(y @ turn.mT)
    # Weiszfeld's offset is only as sharp as the flatness of its cost: 1e-6
    torch.testing.assert_close(moved, plain(y) @ turn.mT, atol=1e-6, rtol=1e-6)


@settings(max_examples=20, deadline=None)
@given(seeds, st.integers(2, 5), st.sampled_from([1e-6, 1e-2, 1e3, 1e6]))
def test_the_unit_of_the_data_does_not_matter(seed, count, unit):
    points = normal(seed, count, count + 1)
    form, scaled = simplex_geometry(points).closed_form, simplex_geometry(unit * points).closed_form
    zero = torch.zeros(1, dtype=torch.float64)
    rho = 0.3 * form(zero).widths.min()[None]
    y = 2 * normal(seed + 2, 1, 100, count + 1)
    # the offset's cost is flat to second order at its minimum: 1e-6, the root of its rounding
    torch.testing.assert_close(scaled(unit * rho)(unit * y) / unit, form(rho)(y), atol=1e-6, rtol=1e-6)
    torch.testing.assert_close(scaled(unit * rho).cost, form(rho).cost, **CLOSE)


@settings(max_examples=20, deadline=None)
@given(st.floats(0.35, 0.65), st.floats(0.6, 1.2), st.floats(0.02, 0.45), seeds)
def test_an_acute_triangle_interpolates_about_an_offset_inside(foot, height, share, seed):
    points = torch.tensor([[0.0, 0], [1, 0], [foot, height]], dtype=torch.float64)
    geometry = simplex_geometry(points)
    form = geometry.closed_form
    # altitudes by Heron's rule: twice the area over the opposite side
    sides = torch.stack([(points[i] - points[j]).norm() for i, j in ((1, 2), (0, 2), (0, 1))])
    gaps = height / sides
    rho = share * gaps.min()
    slabs = form(rho[None])
    torch.testing.assert_close(slabs(points[None])[0], points, **CLOSE)
    offset = slabs.offset[0]
    weights = 1 / (gaps - 2 * rho)
    cost = 2 * (weights * (points - offset).norm(dim=-1)).sum()
    torch.testing.assert_close(slabs.cost[0], cost, **CLOSE)
    others = offset + 0.3 * normal(seed, 200, 2)
    assert (2 * (torch.cdist(others, points) @ weights) >= cost - 1e-9).all()


@pytest.mark.parametrize("count", [2, 5, 30])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_the_corner_of_an_orthogonal_set_is_its_anchor(count, dtype):
    # at rho = 0 the corner's weight ties with the pull of the others, so rounding must not decide
    points, _ = orthogonal(count, count, count)
    points = points.to(dtype)
    geometry = simplex_geometry(points)
    assert torch.equal(geometry.anchor, points[0])
    assert len(geometry.edges) == count
    assert geometry.conjecture is None


def test_balls_that_overlap_are_refused_with_the_limit():
    points, _ = orthogonal(0, 2, 2)
    with pytest.raises(ValueError, match=r"rho must be below 0\.5"):
        orthogonal_closed_form(torch.zeros(2), torch.eye(2))(torch.tensor([0.1, 0.5]))
    with pytest.raises(ValueError, match=r"rho must be below 0\.\d+"):
        simplex_geometry(points).closed_form(torch.tensor([1.0], dtype=torch.float64))


def test_points_that_are_no_simplex_are_refused():
    square = torch.tensor([[0.0, 0], [1, 0], [0, 1], [1, 1]], dtype=torch.float64)
    with pytest.raises(ValueError, match="no simplex"):
        simplex_geometry(square)


def test_the_closed_form_of_an_acute_simplex_is_called_an_upper_bound():
    points = torch.tensor([[0.0, 0], [1, 0], [0.45, 0.8]], dtype=torch.float64)
    assert "upper bound of the minimum" in simplex_geometry(points).conjecture


@pytest.mark.parametrize(("height", "single", "least"), [(0.3, 9.12, 5.43), (0.1, 9.29, 4.77), (0.02, 9.32, 4.51)])
def test_a_near_square_is_half_as_dear_as_one_slab_a_point(height, single, least):
    """Two slabs along the axes and one of jump `height`, 2 (1 + 1 + height s) by hand, beat four of one point."""
    points = torch.tensor([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, height]], dtype=torch.float64)
    rho = torch.tensor([0.05], dtype=torch.float64)
    assert simplex_closed_form(points)(rho).cost.item() == pytest.approx(single, abs=0.005)
    slabs = simplex_geometry(points).closed_form(rho)
    assert slabs.cost.item() <= least + 0.005
    inside = 0.05 * torch.nn.functional.normalize(normal(0, 4, 200, 3), dim=-1)
    off = slabs((points[:, None] + inside).flatten(0, 1)[None])[0] - points.repeat_interleave(200, 0)
    assert off.abs().max() < 1e-9


@settings(max_examples=15, deadline=None)
@given(seeds, st.integers(4, 6), shares)
def test_all_dichotomies_on_balls_are_never_dearer_than_one_slab_a_point(seed, count, share):
    points = normal(seed, count, count - 1)
    single, least = simplex_closed_form(points), simplex_geometry(points).closed_form
    limit = single(torch.zeros(1, dtype=torch.float64)).widths.min() / 2
    rho = share * torch.stack([limit, limit / 7, limit / 100])
    assert (least(rho).cost <= single(rho).cost * (1 + 1e-9)).all()


def test_radii_at_which_no_dichotomies_interpolate_are_refused_with_the_limit():
    points = torch.tensor([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0.1]], dtype=torch.float64)
    form = simplex_geometry(points).closed_form
    with pytest.raises(ValueError, match=r"rho must be below 0\.\d+") as refusal:
        form(torch.tensor([3.0], dtype=torch.float64))
    limit = torch.tensor([float(str(refusal.value).split()[-1])], dtype=torch.float64)
    assert form(0.999 * limit).cost.isfinite().all()
    with pytest.raises(ValueError, match="too large"):
        form(1.001 * limit)
