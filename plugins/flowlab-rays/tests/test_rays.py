"""Points on rays: the suite, the special cases, and a proof of minimality in numbers.

Tolerance: products and sums of numbers of order one in float64, rounded to 1e-15 and times slopes of at most 10.
"""

import itertools
from importlib.metadata import entry_points

import pytest
import torch
from flowlab_rays.rays import Rays
from hypothesis import given, settings
from hypothesis import strategies as st

from flowlab.api import Context
from flowlab.api.testing import DatasetSuite

CLOSE = {"atol": 1e-11, "rtol": 1e-11}
CONTEXT = Context(0, "rays", torch.float64, torch.device("cpu"))

frames = st.sampled_from(["random", "standard"])
# half a unit apart, for radii below a quarter
rows = st.lists(st.integers(1, 8), min_size=1, max_size=3, unique=True).map(
    lambda places: tuple(place / 2 for place in places)
)
several = st.builds(
    Rays,
    distances=st.lists(rows, min_size=1, max_size=3).map(tuple),
    dimension=st.integers(3, 5),
    samples=st.integers(1, 20),
    frame=frames,
)


def geometry(rays):
    return rays.build(CONTEXT).value.geometry


def built_in(name, **parameters):
    component = entry_points(group="flowlab.dataset")[name].load()
    return component(**parameters).build(CONTEXT).value.geometry


def rho(*radii):
    return torch.tensor(radii, dtype=torch.float64)


def grid(rays):
    """The anchor's or a point's place on each ray, all combinations: (P, d), rays along the axes."""
    places = itertools.product(*[(0.0, *row) for row in rays.distances])
    return torch.tensor(
        [[*place, *[0.0] * (rays.dimension - len(place))] for place in places], dtype=torch.float64
    )


class TestRays(DatasetSuite):
    """The rules of every dataset; the whole grid is stable at any radius."""

    def component(self):
        return several

    def stable_sums(self, component, geometry, rho):
        points = grid(component)
        axes = torch.stack([row / row.norm() for row in geometry.edges])
        firsts = [0, *itertools.accumulate(map(len, component.distances))][:-1]
        return points[:, : len(firsts)] @ axes[firsts]


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(1, 40), min_size=1, max_size=5, unique=True), frames)
def test_one_ray_is_a_line_to_the_bit(places, frame):
    row = tuple(float(place) for place in places)
    ours = geometry(Rays((row,), dimension=3, frame=frame))
    line = built_in("line", coordinates=(0.0, *row), dimension=3, frame=frame)
    radii = rho(0.0, 0.1, 0.4)
    for part in ("offset", "jumps", "weights", "biases"):
        assert torch.equal(getattr(ours.closed_form(radii), part), getattr(line.closed_form(radii), part))
    assert torch.equal(ours.points, line.points)
    assert torch.equal(ours.pattern, line.pattern)
    assert ours.separable == line.separable
    y = ours.points.mean(0) + torch.randn(50, 3, dtype=torch.float64, generator=CONTEXT.generator("y"))
    # the box of one edge and the hull of two points: the same facets in another order
    torch.testing.assert_close(ours.cell.depths(y).amin(-1), line.cell.depths(y).amin(-1), atol=1e-9, rtol=0)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(0.5, 2), min_size=1, max_size=4), st.sampled_from(["random", "standard"]))
def test_one_point_a_ray_is_an_orthogonal_set(norms, frame):
    count, norms = len(norms), tuple(norms)
    ours = geometry(Rays(tuple((norm,) for norm in norms), dimension=5, frame=frame))
    box = built_in("orthogonal", dimension=5, points=count + 1, norm=norms, frame=frame)
    for part in ("points", "anchor", "edges"):
        torch.testing.assert_close(getattr(ours, part), getattr(box, part), **CLOSE)
    torch.testing.assert_close(ours.cell.heights, box.cell.heights, **CLOSE)
    y = torch.randn(2, 50, 5, dtype=torch.float64, generator=CONTEXT.generator("y"))
    radii = rho(0.05, 0.2)
    # the simplex's slabs come from a solver that works to 1e-10
    torch.testing.assert_close(ours.closed_form(radii)(y), box.closed_form(radii)(y), atol=1e-8, rtol=0)
    assert ours.separable
    assert ours.rays is None
    assert ours.conjecture is box.conjecture is None


@settings(max_examples=20, deadline=None)
@given(several, st.floats(0.01, 0.24), st.integers(0, 10**6))
def test_no_network_through_the_balls_costs_less(rays, radius, seed):
    """The multipliers of the proof ask for the closed form's cost, and of no neuron for more than 1."""
    ours = geometry(rays)
    axes = torch.stack([row / row.norm() for row in ours.edges])
    firsts = [0, *itertools.accumulate(map(len, rays.distances))][:-1]
    samples, targets, multipliers = [], [], []
    for axis, row in zip(axes[firsts], rays.distances, strict=True):
        places = torch.tensor([0.0, *sorted(row)], dtype=torch.float64)
        ends = torch.stack([places - radius, places + radius], -1).flatten()
        # mean slopes are 0, k_1, 0, k_2, ..., 0, so they turn by sum 2 k at least
        turns = torch.tensor([-2.0, 2.0], dtype=torch.float64).repeat(len(places))[:-1]
        turns[[0, -1]] = -1.0
        slopes = torch.zeros(len(ends), dtype=torch.float64)
        slopes[1:] += turns / ends.diff()
        slopes[:-1] -= turns / ends.diff()
        samples.append(ends[:, None] * axis)
        targets.append(places.repeat_interleave(2)[:, None] * axis)
        multipliers.append(slopes[:, None] * axis)
    y, x, z = map(torch.cat, (samples, targets, multipliers))
    # affine functions are free, so the multipliers must not see them
    assert z.sum(0).abs().max() < 1e-9 / radius
    assert (z.mT @ y).abs().max() < 1e-9 / radius
    bound = (z * x).sum()
    torch.testing.assert_close(bound[None], ours.closed_form(rho(radius)).cost, atol=0, rtol=1e-9)
    generator = torch.Generator().manual_seed(seed)
    w = torch.randn(200, y.shape[1], generator=generator, dtype=torch.float64)
    w = torch.cat([torch.nn.functional.normalize(w, dim=-1), axes, -axes])
    # |F| is convex in b between the samples' heights, so it is largest at one of them
    heights = w @ y.mT
    demand = (heights[:, None] - heights[:, :, None]).relu() @ z
    assert demand.norm(dim=-1).max() <= 1 + 1e-9 / radius


def test_flows_end_on_the_grid_and_sums_within_a_ray_are_no_virtual_points():
    ours = geometry(Rays(((0.8, 2.0), (1.2,)), dimension=2))
    assert ours.rays.tolist() == [0, 0, 1]
    starts = torch.randn(200, 2, dtype=torch.float64, generator=CONTEXT.generator("y")) + ours.cell.center
    ends = starts
    slabs = ours.closed_form(rho(0.2))
    for _ in range(500):
        ends = slabs(ends[None])[0]
    gaps = (ends[:, None] - grid(Rays(((0.8, 2.0), (1.2,)), dimension=2))).norm(dim=-1)
    assert gaps.amin(-1).max() < 1e-9
    assert set(gaps.argmin(-1).tolist()) == set(range(6))


@pytest.mark.parametrize(
    ("distances", "dimension", "words"),
    [
        ((), 2, "at least one ray"),
        (((1.0,), ()), 2, "a point on each"),
        (((1.0, 1.0),), 2, "distinct"),
        (((1.0,), (1.0,), (1.0,)), 2, "3 rays don't fit in 2"),
        ((tuple(map(float, range(1, 13))), (1.0,)), 2, "at most 12"),
    ],
)
def test_what_is_no_set_of_rays_is_said(distances, dimension, words):
    assert words in " ".join(misfit.message for misfit in Rays(distances, dimension).check({}))


def test_the_narrowest_ray_limits_the_radius():
    with pytest.raises(ValueError, match=r"below 0\.2\b"):
        geometry(Rays(((1.0,), (0.4,)), dimension=2)).closed_form(rho(0.45))


def test_a_distance_that_is_not_positive_is_refused():
    with pytest.raises(ValueError, match="distances must be"):
        Rays(((0.0, 1.0),))
