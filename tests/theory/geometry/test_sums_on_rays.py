"""Subset sums that take at most one edge of a ray, against enumeration."""

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from flowlab.theory.flows.outcomes import axis_box
from flowlab.theory.geometry.geometry import Geometry
from flowlab.theory.geometry.stable_sums import critical_radii, distinct_sums
from flowlab.theory.geometry.subset_sums import nearest_sum, subset_masks, sums_of

rays = st.lists(st.integers(0, 3), min_size=1, max_size=7)


def admissible(numbers):
    """The subsets of edges without two of one ray."""
    chosen = (
        subset
        for size in range(len(numbers) + 1)
        for subset in itertools.combinations(range(len(numbers)), size)
        if len({numbers[n] for n in subset}) == size
    )
    return set(chosen)


def edges_of(numbers):
    generator = torch.Generator().manual_seed(len(numbers))
    return torch.randn(len(numbers), 3, generator=generator, dtype=torch.float64)


@given(rays)
def test_patterns_take_one_edge_of_a_ray(numbers):
    subsets = [tuple(row.nonzero()[:, 0].tolist()) for row in subset_masks(len(numbers), torch.tensor(numbers))]
    assert len(subsets) == len(set(subsets))
    assert set(subsets) == admissible(numbers)


@settings(deadline=None)
@given(rays, st.integers(0, 3))
def test_sums_and_the_nearest_of_them_are_those(numbers, least):
    edges, anchor, apart = edges_of(numbers), torch.ones(3, dtype=torch.float64), torch.tensor(numbers)
    y = edges_of([0] * 9)
    expected = [anchor + edges[list(subset)].sum(0) for subset in admissible(numbers) if len(subset) >= least]
    found = nearest_sum(anchor, edges, y, "l2", least=least, rays=apart)
    if expected:
        gaps = (y[:, None] - torch.stack(expected)).norm(dim=-1).amin(-1)
        # the same sums in another order of addition
        torch.testing.assert_close(found, gaps, atol=1e-12, rtol=0)
    else:
        assert found.isinf().all()
    exactly = [subset for subset in admissible(numbers) if len(subset) == least]
    for most in (2, 100):
        sums, total = sums_of(anchor, edges, least, most, torch.Generator().manual_seed(0), apart)
        assert total == len(exactly)
        assert len(sums) == min(most, total)


def test_what_is_known_of_a_box_is_not_said_of_rays():
    points = torch.tensor([[0.0, 0.0], [1.0, 0.0], [2.5, 0.0], [0.0, 1.0]], dtype=torch.float64)
    geometry = Geometry(points, points[0], points[1:], separable=True, rays=torch.tensor([0, 0, 1]))
    assert axis_box(geometry) is None
    assert len(distinct_sums(geometry)[0]) == 6
    with pytest.raises(ValueError, match="stable sums"):
        critical_radii(Geometry(points, points[0], points[1:], closed_form=lambda rho: rho, rays=geometry.rays))


def test_more_edges_than_can_be_enumerated_are_refused():
    numbers = [0] * 13
    with pytest.raises(ValueError, match="13 edges on common rays"):
        nearest_sum(torch.zeros(3).double(), edges_of(numbers), edges_of([0]), "l2", rays=torch.tensor(numbers))
