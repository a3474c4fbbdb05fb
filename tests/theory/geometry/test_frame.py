"""A frame changes coordinates and nothing else: denoisers, costs, problems and geometries are the same in it."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from flowlab.theory.geometry.classes import classify
from flowlab.theory.geometry.frame import Frame, frame_of, training_frame
from flowlab.theory.geometry.line import line_geometry
from flowlab.theory.geometry.simplex import simplex_geometry
from flowlab.theory.geometry.tolerance import largest_violation
from flowlab.theory.networks.interpolation import Interpolation, noisy_samples
from flowlab.theory.networks.relu_network import ReluNetwork

seeds = st.integers(0, 10**6)
scales = st.floats(-3, 3).map(lambda power: 10**power)


def normal(seed, *shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def network(seed, levels=2, width=5, dimension=3):
    shapes = ((width, dimension), (width, dimension), (width,), (dimension, dimension), (dimension,))
    return ReluNetwork(*(normal(seed + k, levels, *shape) for k, shape in enumerate(shapes)))


def parts(one):
    return one.outer, one.inner, one.biases, one.skip, one.offset


@settings(max_examples=30, deadline=None)
@given(seeds, scales)
def test_a_network_in_a_frame_is_the_same_map_of_the_same_cost(seed, scale):
    frame = Frame(normal(seed + 9, 3), scale)
    one, z = network(seed), normal(seed + 10, 2, 40, 3)
    inside = frame.network_inside(one)
    # about a large origin, in units of a small scale, digits are lost
    torch.testing.assert_close(
        inside(z), frame.inside(one(frame.outside(z))), atol=1e-10 / min(scale, 1), rtol=1e-10
    )
    assert torch.equal(inside.cost, one.cost)
    assert torch.equal(inside.balanced_cost, one.balanced_cost)
    for back, part in zip(parts(frame.network_outside(inside)), parts(one), strict=True):
        torch.testing.assert_close(back, part, atol=1e-11, rtol=1e-11)
    free = frame.denoiser_inside(one)
    torch.testing.assert_close(inside(z), free(z), atol=1e-10 / min(scale, 1), rtol=1e-10)


def test_the_frame_at_the_origin_of_scale_one_changes_no_bit():
    frame, one = Frame(torch.zeros(3, dtype=torch.float64), 1.0), network(3)
    assert frame.trivial
    for moved in (frame.network_inside(one), frame.network_outside(one)):
        assert all(torch.equal(part, same) for part, same in zip(parts(moved), parts(one), strict=True))
    assert not Frame(torch.ones(3), 1.0).trivial
    assert not Frame(torch.zeros(3), 2.0).trivial
    orthonormal = simplex_geometry(torch.cat([torch.zeros(1, 3), torch.eye(3)]).double())
    assert training_frame(orthonormal).trivial
    assert frame_of(orthonormal).trivial


@settings(max_examples=20, deadline=None)
@given(seeds, scales, st.booleans())
def test_a_geometry_in_a_frame_has_the_same_sums_cell_and_closed_form(seed, scale, line):
    points = normal(seed, 3, 1).sort(0).values * normal(seed + 1, 3) if line else normal(seed, 3, 3)
    geometry = line_geometry(points) if line else simplex_geometry(points)
    frame = Frame(normal(seed + 9, 3), scale)
    inside = frame.geometry_inside(geometry)
    assert inside.scale == pytest.approx(geometry.scale / scale)
    assert inside.size == pytest.approx(geometry.size / scale)
    rho = torch.tensor([0.2], dtype=torch.float64) * torch.nn.functional.pdist(points).min() / 10
    z = normal(seed + 10, 1, 40, 3) * geometry.size / scale
    one = inside.closed_form(rho / scale)
    torch.testing.assert_close(
        frame.outside(one(z)), geometry.closed_form(rho)(frame.outside(z)), atol=1e-7, rtol=0
    )
    torch.testing.assert_close(one.cost, geometry.closed_form(rho).cost, atol=0, rtol=1e-9)
    labels = [classify(y, each, 0.2, "l2").labels for each, y in ((inside, z[0]), (geometry, frame.outside(z[0])))]
    assert torch.equal(*labels)


def test_a_problem_in_a_frame_says_its_noise_in_data_units():
    points, sigma = 5 + 2 * torch.eye(3, dtype=torch.float64), torch.tensor([0.4, 0.2], dtype=torch.float64)
    problem = Interpolation(noisy_samples(points, sigma, 4, torch.Generator().manual_seed(0)), points, sigma)
    frame = training_frame(simplex_geometry(points))
    inside = frame.problem_inside(problem)
    assert float(inside.points.norm(dim=-1).max()) == pytest.approx(1)
    torch.testing.assert_close(frame.outside(inside.samples), problem.samples)
    torch.testing.assert_close(inside.levels(slice(1, 2)).to(sigma).noise, sigma[1:])
    assert torch.equal(problem.noise, sigma)


def test_an_interpolating_denoiser_is_within_a_share_of_the_scale_and_a_tenth_of_sigma():
    sigma = torch.tensor([1.0, 0.1, 1e-3, 1e-6], dtype=torch.float64)
    assert largest_violation(1e-3, 1.0, sigma).tolist() == pytest.approx([1e-3, 1e-3, 1e-4, 1e-7])
    assert largest_violation(1e-3, 1e-3, sigma).tolist() == pytest.approx([1e-6, 1e-6, 1e-6, 1e-7])


def test_the_size_does_not_vanish_where_the_anchor_comes_near_a_point():
    """The offset of a triangle of nearly 90 degrees is next to a vertex: its scale is that distance."""
    angle = torch.deg2rad(torch.tensor(89.9, dtype=torch.float64))
    points = torch.tensor([[0, 0], [1, 0], [float(angle.cos()), float(angle.sin())]], dtype=torch.float64)
    geometry = simplex_geometry(points)
    assert geometry.scale < 1e-2
    assert 0.9 < geometry.size < 1.1
