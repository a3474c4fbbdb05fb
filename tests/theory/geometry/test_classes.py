"""Classes of endpoints, nearest subset sums and samples of them, against enumeration."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from flowlab.theory.flows.outcomes import outcome_probabilities
from flowlab.theory.geometry import subset_sums
from flowlab.theory.geometry.classes import classify
from flowlab.theory.geometry.geometry import Geometry
from flowlab.theory.geometry.polytope import box
from flowlab.theory.geometry.subset_sums import fixed_points, nearest_sum, sums_of
from flowlab.theory.networks.slabs import Slabs
from flowlab.theory.statistics.intervals import clopper_pearson

seeds = st.integers(0, 10**6)


def normal(seed, *shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def cube(lengths):
    """An axis-aligned box with its origin and its edges' ends as training points."""
    edges = torch.as_tensor(lengths, dtype=torch.float64).diag()
    origin = torch.zeros(len(edges), dtype=torch.float64)
    return Geometry(torch.cat([origin[None], edges]), origin, edges, box(origin, edges))


@settings(max_examples=25, deadline=None)
@given(seeds, st.sampled_from(["l2", "linf"]), st.integers(0, 3), st.integers(0, 3))
def test_rounding_equals_enumeration_on_orthogonal_edges(seed, metric, least, fewer):
    """Also where too few or too many edges are rounded up: the two ways are one function of the point."""
    lengths = 0.3 + torch.rand(6, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    edges = lengths.diag()
    if metric == "l2":  # any frame
        edges = edges @ torch.linalg.qr(normal(seed, 6, 6))[0]
    y, anchor = edges.sum(0) / 2 + normal(seed + 1, 40, 6), normal(seed + 2, 6)
    enumerated = nearest_sum(anchor, edges, anchor + y, metric, least, 6 - fewer)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(subset_sums, "_ENUMERATED", 0)
        rounded = nearest_sum(anchor, edges, anchor + y, metric, least, 6 - fewer)
    torch.testing.assert_close(rounded, enumerated)


def test_sums_that_do_not_exist_are_infinitely_far():
    edges = torch.eye(3, dtype=torch.float64)
    y = torch.zeros(2, 3, dtype=torch.float64)
    assert nearest_sum(y[0], edges, y, "l2", least=4).tolist() == [math.inf] * 2
    assert nearest_sum(y[0], edges, y, "l2", least=2, most=1).tolist() == [math.inf] * 2
    assert nearest_sum(y[0], edges[:0], y, "l2", least=1).tolist() == [math.inf] * 2


@pytest.mark.parametrize("most", [3000, 4500])
def test_a_sample_of_sums_favours_no_edge(most):
    edges = torch.eye(20, dtype=torch.float64)
    sums, total = sums_of(edges[0] * 0, edges, 4, most, torch.Generator().manual_seed(1))
    assert (len(sums), total) == (most, 4845)
    assert len(sums.unique(dim=0)) == most
    share, finite = sums.mean(0), 1 - most / total
    # six standard deviations of a hypergeometric share
    assert (share - 0.2).abs().max() < 6 * math.sqrt(0.2 * 0.8 * finite / most)


def test_fixed_points_are_the_vertices_and_sixteen_slabs_are_the_limit():
    edges, rho = torch.eye(3, dtype=torch.float64), 0.1
    weights, biases = edges / (1 - 2 * rho), torch.full((1, 3), -rho / (1 - 2 * rho), dtype=torch.float64)
    slabs = Slabs(torch.zeros(1, 3, dtype=torch.float64), edges[None], weights[None], biases)
    patterns, points = fixed_points(slabs)
    assert len(points) == 8
    assert torch.equal(points, patterns.double())
    wide = torch.zeros(1, 17, 2)
    with pytest.raises(ValueError, match="too many"):
        fixed_points(Slabs(torch.zeros(1, 2), wide, wide, torch.zeros(1, 17)))


@pytest.mark.parametrize("metric", ["linf", "l2"])
def test_the_first_rule_that_holds_decides(metric):
    geometry = cube([1.0, 1.0, 1.0])
    y = torch.tensor(
        [
            [0, 0.15, 0],  # training, though on the boundary as well
            [1, 1, 0.1],  # virtual
            [1, 1.1, 1],  # virtual, a little outside
            [0.5, -0.15, 0.5],  # boundary, a little outside
            [0.5, 0.5, 0.95],  # boundary
            [0.5, 0.5, 0.5],  # interior
            [0.5, 0.5, 1.25],  # elsewhere
        ],
        dtype=torch.float64,
    )
    assert classify(y, geometry, 0.2, metric).labels.tolist() == [0, 1, 1, 2, 2, 3, 4]


def test_off_the_span_and_without_a_cell_is_elsewhere():
    flat = cube([1.0, 1.0])
    pad = torch.nn.functional.pad
    points, edges = pad(flat.points, (0, 1)), pad(flat.edges, (0, 1))
    geometry = Geometry(points, points[0], edges, box(points[0], edges))
    y = torch.tensor([[0.5, 0.5, 0.3], [0.5, 0.5, 0.1]], dtype=torch.float64)
    assert classify(y, geometry, 0.2, "linf").labels.tolist() == [4, 3]
    assert classify(y, Geometry(points, points[0], edges), 0.2, "linf").labels.tolist() == [4, 4]


@settings(max_examples=20, deadline=None)
@given(seeds, st.sampled_from(["linf", "l2"]))
def test_a_point_stays_recognised_at_a_larger_threshold(seed, metric):
    y = 0.5 + 0.6 * normal(seed, 100, 3)
    small, large = (classify(y, cube([1.0, 0.9, 1.2]), each, metric).labels for each in (0.1, 0.2))
    assert (large[small == 0] == 0).all()
    assert (large[small == 1] <= 1).all()
    assert (large[small != 4] != 4).all()


@given(st.integers(0, 30), st.integers(1, 30))
def test_interval_holds_its_share_and_mirrors(successes, more):
    trials = successes + more
    low, high = clopper_pearson(successes, trials)
    assert 0 <= low <= successes / trials <= high <= 1
    mirrored = clopper_pearson(trials - successes, trials)
    assert mirrored == pytest.approx((1 - high, 1 - low), abs=1e-9)


def test_interval_of_no_successes_is_the_rule_of_three():
    assert clopper_pearson(0, 100)[1] == pytest.approx(1 - 0.025 ** (1 / 100))


def test_outcomes_refuse_points_that_are_near_both_ends():
    lengths, mean = torch.ones(2, dtype=torch.float64), torch.zeros(2, dtype=torch.float64)
    with pytest.raises(ValueError, match="half the shortest"):
        outcome_probabilities(lengths, 0.1, mean, 1.0, 0.5)


@pytest.mark.parametrize("metric", ["l2", "linf"])
def test_the_nearest_training_point_is_the_nearest_of_all(metric):
    geometry = cube([1.0, 2.0, 3.0])
    y = 3 * normal(0, 300, 3)
    found = classify(y, geometry, 0.2, metric).to_training
    for start, distance in zip(y.tolist(), found.tolist(), strict=True):
        apart = [[abs(a - b) for a, b in zip(start, point, strict=True)] for point in geometry.points.tolist()]
        sizes = [math.hypot(*gaps) if metric == "l2" else max(gaps) for gaps in apart]
        assert distance == pytest.approx(min(sizes), rel=1e-14)
