"""The end of separability against closed forms, and each level against the feasibility of a linear programme.

Tolerance: bisection brackets the end to the relative width asked for, so the exact value lies between the
bracket's ends up to rounding; `SLACK` allows for the solver's 1e-10 where clusters all but touch.
"""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from flowlab.theory.geometry.separability import critical_sigma, needed_slabs, separable_levels
from flowlab.theory.networks.interpolation import noisy_samples

SLACK = 1e-4
seeds = st.integers(0, 10**6)
starts = st.sampled_from([1e-3, 0.3, 7.0])


def tensor(values):
    return torch.tensor(values, dtype=torch.float64)


def brackets(end, exact, relative):
    return end.low * (1 - SLACK) <= exact <= end.high * (1 + SLACK) and end.high <= end.low * (1 + relative) * (
        1 + SLACK
    )


@settings(max_examples=25, deadline=None)
@given(seeds, starts, st.sampled_from([1e-2, 1e-3, 1e-5]))
def test_two_points_on_a_line_end_where_their_nearest_samples_meet(seed, start, relative):
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(2, 20, 1, generator=generator, dtype=torch.float64)
    exact = 1 / (noise[0].max() - noise[1].min()).item()
    end = critical_sigma(tensor([[0.0], [1.0]]), noise, None, start, relative)
    assert brackets(end, exact, relative)


@settings(max_examples=25, deadline=None)
@given(seeds, st.floats(0.2, 3), st.floats(0.2, 3))
def test_two_polygons_in_the_plane_end_where_corner_and_side_meet(seed, reach, half):
    # a diamond of half-diagonal sigma * reach at 0 and a square of half-side sigma * half at distance 1
    turn = torch.linalg.qr(torch.randn(2, 2, generator=torch.Generator().manual_seed(seed), dtype=torch.float64))[
        0
    ]
    diamond = reach * tensor([[1, 0], [-1, 0], [0, 1], [0, -1]])
    square = half * tensor([[1, 1], [1, -1], [-1, 1], [-1, -1]])
    noise = torch.stack([diamond, square]) @ turn
    points = tensor([[0.0, 0.0], [1.0, 0.0]]) @ turn
    assert brackets(critical_sigma(points, noise, None, 0.1), 1 / (reach + half), 1e-3)


SIGNS = torch.tensor([[1.0], [-1.0]], dtype=torch.float64).expand(3, 2, 1)


@pytest.mark.parametrize(
    ("pattern", "exact"),
    [
        # of one slab a point the middle one never exists, and the denoiser does without: the narrow gap decides
        (None, 0.5),
        ([[False, True, True], [False, False, True]], 0.5),
        ([[False, False, True]], 1.0),  # only the wide gap matters
    ],
)
def test_points_on_a_line_end_by_the_slabs_that_are_needed(pattern, exact):
    pattern = None if pattern is None else torch.tensor(pattern)
    assert brackets(critical_sigma(tensor([[0.0], [1.0], [3.0]]), SIGNS, pattern, 0.01), exact, 1e-3)


def test_two_lost_slabs_are_one_too_many():
    # 0 and 4 are the ends, 1 and 3 both lie between others
    assert not separable_levels(tensor([[[[0.0]], [[1.0]], [[3.0]], [[4.0]]]]), None).any()
    assert separable_levels(tensor([[[[0.0]], [[1.0]], [[3.0]]]]), None).all()


def test_without_noise_there_is_no_end():
    assert critical_sigma(tensor([[0.0], [1.0]]), tensor([[[0.0]], [[0.0]]]), None, 1.0) is None


def outside(samples, positive):
    """Feasibility of w . y + b >= 1 above and <= 0 below, by a linear programme without a cost."""
    rows = samples.reshape(-1, samples.shape[-1]).numpy()
    sign = np.where(np.repeat(positive.numpy(), samples.shape[1]), 1.0, -1.0)
    matrix = -sign[:, None] * np.c_[rows, np.ones(len(rows))]
    answer = linprog(np.zeros(matrix.shape[1]), matrix, -np.maximum(sign, 0), bounds=(None, None))
    return answer.status == 0


@settings(max_examples=25, deadline=None)
@given(seeds, st.integers(1, 5), st.integers(2, 5), st.booleans())
def test_each_level_agrees_with_linear_programming(seed, dimension, count, patterned):
    generator = torch.Generator().manual_seed(seed)
    points = torch.randn(count, dimension, generator=generator, dtype=torch.float64)
    samples = noisy_samples(points, tensor([1.0, 0.4, 0.2, 0.05]), 12, generator)
    pattern = None
    if patterned:
        pattern = torch.rand(2, count, generator=generator) > 0.5
        pattern[:, 0], pattern[:, 1] = True, False
    slabs, spare = needed_slabs(count, pattern)
    expected = [sum(not outside(level, slab) for slab in slabs) <= spare for level in samples]
    assert separable_levels(samples, pattern).tolist() == expected


def test_at_the_papers_scale_separability_ends_near_0_17():
    points = torch.cat([torch.zeros(1, 30), torch.eye(30)]).double()
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(31, 500, 30, generator=generator, dtype=torch.float64)
    end = critical_sigma(points, noise, None, 0.1)
    assert end.low == pytest.approx(0.17, abs=0.01)
    around = points[:, None] + tensor([end.low, end.high])[:, None, None, None] * noise
    assert separable_levels(around, None).tolist() == [True, False]
