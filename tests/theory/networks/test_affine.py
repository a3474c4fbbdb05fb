"""Where an affine map interpolates, and the minimum norm is zero."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from flowlab.theory.geometry.geometry import Geometry
from flowlab.theory.networks.affine import fits_affinely
from flowlab.theory.networks.interpolation import Interpolation, noisy_samples
from flowlab.theory.training.quality import quality

SIGMA = torch.tensor([0.05, 0.01], dtype=torch.float64)


def sampled(count, dimension, samples, seed=0):
    draw = torch.Generator().manual_seed(seed)
    points = torch.randn(count, dimension, generator=draw, dtype=torch.float64)
    return points, noisy_samples(points, SIGMA, samples, draw)


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 6), st.integers(1, 6), st.integers(1, 3), st.integers(0, 10**6))
def test_it_fits_exactly_where_samples_are_affinely_independent(count, dimension, samples, seed):
    points, drawn = sampled(count, dimension, samples, seed)
    # noise is in general position: equations d (N M) against unknowns d (d + 1)
    expected = count * samples <= dimension + 1
    assert fits_affinely(drawn, points).tolist() == [expected] * 2


def test_there_is_no_ratio_to_a_minimum_of_zero():
    points, samples = sampled(3, 4, 1)
    problem, geometry = Interpolation(samples, points, SIGMA), Geometry(points, points[0], points[1:] - points[0])
    cost = torch.tensor([0.0, 2.0], dtype=torch.float64)
    figures = quality(
        torch.zeros(2, 3, 4, dtype=torch.float64), cost, cost, problem, geometry, torch.ones(1).double()
    )
    assert figures["slab_ratio"] == figures["balanced_ratio"] == [None, None]
    assert all(value > 0 for value in figures["cost_slab"])


def test_a_ratio_below_one_is_told_as_it_is():
    points, samples = sampled(3, 4, 30)
    problem, geometry = Interpolation(samples, points, SIGMA), Geometry(points, points[0], points[1:] - points[0])
    cost = torch.tensor([1.0, 1.0], dtype=torch.float64)
    figures = quality(
        torch.zeros(2, 90, 4, dtype=torch.float64), cost, cost, problem, geometry, torch.ones(1).double()
    )
    assert figures["slab_ratio"] == pytest.approx([1 / slab for slab in figures["cost_slab"]])
