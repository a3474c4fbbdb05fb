"""Exact flows region by region, against an adaptive solver that knows nothing of regions."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from flowlab.theory.flows.affine_regions import affine_regions
from flowlab.theory.flows.bank_flow import bank_flow
from flowlab.theory.flows.region_flow import region_flow
from flowlab.theory.flows.separable_flow import exact_probability_flow, exact_score_flow
from flowlab.theory.geometry.orthogonal import orthogonal_closed_form
from flowlab.theory.networks.relu_network import ReluNetwork, from_slabs

FLOAT = torch.float64
ZERO = torch.zeros(1, dtype=FLOAT)


def normal(seed, *shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=FLOAT)


def random_network(seed, neurons, dimension, size=0.8):
    """A network of one level whose flow stays bounded: its skip pulls inwards."""
    skip = 0.2 * normal(seed + 3, 1, dimension, dimension) / dimension
    return ReluNetwork(
        size * normal(seed, 1, neurons, dimension) / neurons**0.5,
        normal(seed + 1, 1, neurons, dimension),
        normal(seed + 2, 1, neurons),
        skip,
        0.3 * normal(seed + 4, 1, dimension),
    )


def lsoda(network, start, duration, tolerance=1e-12):
    """The state after a time r, by scipy, from the network's weights alone."""
    a, w, b, v, c = (
        part[0].numpy() for part in (network.outer, network.inner, network.biases, network.skip, network.offset)
    )

    def field(_, y):
        return np.maximum(w @ y + b, 0) @ a + v @ y + c - y

    run = solve_ivp(field, (0, duration), start.numpy(), method="LSODA", rtol=tolerance, atol=tolerance)
    return torch.from_numpy(run.y[:, -1])


def box_slabs(rho, dimension=3):
    return orthogonal_closed_form(ZERO.expand(dimension), torch.eye(dimension, dtype=FLOAT))(rho)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 12), st.integers(1, 4))
def test_states_are_those_of_an_adaptive_solver(seed, neurons, dimension):
    network = random_network(seed, neurons, dimension)
    starts = 2 * normal(seed + 9, 3, dimension)
    times = torch.tensor([0.0, 0.7, 3.0], dtype=FLOAT)
    flow = region_flow(affine_regions(network), starts, times, to_limit=False)
    assert torch.equal(flow.states[0], starts)
    for start, middle, end in zip(starts, flow.states[1], flow.states[2], strict=True):
        torch.testing.assert_close(middle, lsoda(network, start, 0.7), atol=1e-8, rtol=1e-8)
        torch.testing.assert_close(end, lsoda(network, start, 3.0), atol=1e-8, rtol=1e-8)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_a_limit_is_where_an_adaptive_solver_comes_to_rest(seed):
    network = random_network(seed, 8, 3)
    starts = 2 * normal(seed + 9, 4, 3)
    limits = region_flow(affine_regions(network), starts, ZERO, to_limit=True).limits
    for start, point, reached, eigenvalue in zip(
        starts, limits.points, limits.reached, limits.eigenvalue, strict=True
    ):
        if reached and eigenvalue < 0.8:  # else the solver takes too long
            torch.testing.assert_close(point, lsoda(network, start, 150.0), atol=1e-6, rtol=0)
    assert float(limits.residual[limits.reached].sum()) < 1e-9


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_all_starts_within_the_radius_have_the_same_limit(seed):
    network = random_network(seed, 8, 3)
    regions = affine_regions(network)
    limits = region_flow(regions, 2 * normal(seed + 9, 4, 3), ZERO, to_limit=True).limits
    sure = (limits.radius > 0).nonzero()[:, 0]
    if not len(sure):
        return
    radius = limits.radius[sure].clamp_max(10.0)[:, None]
    kicked = limits.points[sure] + 0.999 * radius * torch.nn.functional.normalize(
        normal(seed + 5, len(sure), 3), dim=-1
    )
    again = region_flow(regions, kicked, ZERO, to_limit=True).limits
    torch.testing.assert_close(again.points, limits.points[sure], atol=1e-9, rtol=0)
    assert bool((limits.eigenvalue[sure] < 1).all())


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000), st.floats(0.02, 0.45))
def test_the_score_flow_of_slabs_is_the_closed_solution(seed, rho):
    slabs = box_slabs(torch.tensor([rho], dtype=FLOAT))
    starts = 0.5 + 0.8 * normal(seed, 12, 3)
    times = torch.linspace(0, 9, 13, dtype=FLOAT)
    flow = region_flow(affine_regions(slabs), starts, times, to_limit=True)
    torch.testing.assert_close(flow.states, exact_score_flow(slabs, starts, times), atol=1e-9, rtol=0)
    vertices = (starts > 0.5).to(FLOAT)
    torch.testing.assert_close(flow.limits.points, vertices, atol=1e-12, rtol=0)
    # the nearest kink about a vertex is rho away
    torch.testing.assert_close(flow.limits.radius, torch.full((12,), rho, dtype=FLOAT), atol=1e-9, rtol=0)
    assert float(flow.limits.eigenvalue.abs().max()) < 1e-12


def test_an_unstable_fixed_point_is_a_limit_with_its_eigenvalue_and_no_radius():
    rho = 0.25
    slabs = box_slabs(torch.tensor([rho], dtype=FLOAT), dimension=1)
    limits = region_flow(affine_regions(slabs), torch.tensor([[0.5]], dtype=FLOAT), ZERO, to_limit=True).limits
    assert limits.points.item() == 0.5
    assert limits.radius.item() == 0
    assert limits.eigenvalue.item() == pytest.approx(1 / (1 - 2 * rho))


def test_a_flow_to_infinity_has_no_limit():
    one = torch.ones(1, 1, 1, dtype=FLOAT)
    grows = ReluNetwork(one, one, ZERO[None], 1.5 * one, one[0])
    flow = region_flow(affine_regions(grows), torch.ones(2, 1, dtype=FLOAT), ZERO, to_limit=True)
    assert not bool(flow.limits.reached.any())


def test_dead_neurons_and_neurons_that_lie_on_each_other_do_no_harm():
    slabs = box_slabs(torch.tensor([0.2], dtype=FLOAT))
    plain = from_slabs(slabs)
    twice = ReluNetwork(
        torch.cat([plain.outer / 2, plain.outer / 2, 0 * plain.outer], 1),
        torch.cat([plain.inner] * 3, 1),
        torch.cat([plain.biases] * 3, 1),
        plain.skip,
        plain.offset,
    )
    starts = 0.5 + 0.8 * normal(0, 20, 3)
    one, other = (region_flow(affine_regions(net), starts, ZERO, to_limit=True).limits for net in (plain, twice))
    torch.testing.assert_close(one.points, other.points, atol=1e-12, rtol=0)
    torch.testing.assert_close(one.radius, other.radius, atol=1e-12, rtol=0)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1000), st.integers(-12, 12), st.booleans())
def test_it_does_not_depend_on_the_scale_or_the_place_of_the_data(seed, power, shifted):
    network = random_network(seed, 6, 3)
    starts = 2 * normal(seed + 9, 5, 3)
    scale = 10.0**power
    shift = 1e6 * scale * normal(seed + 8, 3) if shifted else torch.zeros(3, dtype=FLOAT)
    moved = ReluNetwork(
        scale * network.outer,
        network.inner / scale,
        network.biases - (network.inner[0] @ shift / scale)[None],
        network.skip,
        scale * network.offset + (shift - network.skip[0] @ shift)[None],
    )
    one = region_flow(affine_regions(network), starts, ZERO, to_limit=True)
    other = region_flow(affine_regions(moved), scale * starts + shift, ZERO, to_limit=True)
    settled = one.limits.reached & (one.limits.radius > 1e-6)
    assert bool(other.limits.reached[settled].all())
    back = (other.limits.points - shift) / scale
    tolerance = 1e-6 if shifted else 1e-9
    # a start whose radius is wide enough that rounding of the shifted data can't move it over a border
    torch.testing.assert_close(back[settled], one.limits.points[settled], atol=tolerance, rtol=0)


def test_probability_flow_between_changes_of_level_is_that_of_an_adaptive_solver():
    networks = [random_network(seed, 7, 3) for seed in (1, 2, 3)]
    sigma = torch.tensor([1.0, 0.4, 0.2], dtype=FLOAT)
    starts = normal(4, 5, 3)
    flow = bank_flow([affine_regions(net) for net in networks], sigma, starts)
    edges = [1.0, (1.0 * 0.4) ** 0.5, (0.4 * 0.2) ** 0.5, 0.2]
    for start, end in zip(starts, flow.states[-1], strict=True):
        y = start
        for network, top, bottom in zip(networks, edges[:-1], edges[1:], strict=True):
            y = lsoda(network, y, float(np.log(top / bottom)))
        torch.testing.assert_close(end, networks[-1](y[None, None])[0, 0], atol=1e-8, rtol=0)
    assert torch.equal(flow.states[0], starts)


def test_probability_flow_converges_to_the_theorem_at_second_order_in_the_levels():
    starts = 0.5 + 0.6 * normal(0, 200, 3)
    errors = []
    for count in (10, 20, 40):
        sigma = torch.logspace(-1, -2.5, count, dtype=FLOAT)
        slabs = box_slabs(3 * sigma)
        levels = [affine_regions(slabs.at(level)) for level in range(count)]
        found = bank_flow(levels, sigma, starts).states[-1]
        exact = exact_probability_flow(slabs.at(0), starts, ZERO)[-1]
        errors.append(float((found - exact).abs().mean()))
    assert errors[0] / errors[1] > 3.5
    assert errors[1] / errors[2] > 3.5


def test_single_precision_follows_a_gentle_slope_to_its_end():
    """At sigma = 1e-6 |h - y| is below the rounding of single precision on a whole slope, which is no rest."""
    rho = torch.tensor([3e-6], dtype=torch.float32)
    slabs = orthogonal_closed_form(torch.zeros(3), torch.eye(3))(rho)
    starts = (0.5 + 0.5 * normal(0, 60, 3)).float()
    limits = region_flow(affine_regions(slabs), starts, torch.zeros(1), to_limit=True).limits
    assert limits.points.dtype == torch.float32
    assert bool(((limits.points - limits.points.round()).abs() < 1e-5).all())
    assert float(limits.eigenvalue.max()) < 1


def test_a_single_start_and_a_denoiser_without_neurons():
    constant = ReluNetwork(
        torch.zeros(1, 0, 2, dtype=FLOAT), torch.zeros(1, 0, 2, dtype=FLOAT), torch.zeros(1, 0, dtype=FLOAT),
        torch.zeros(1, 2, 2, dtype=FLOAT), torch.tensor([[1.0, 2.0]], dtype=FLOAT),
    )  # fmt: skip
    flow = region_flow(affine_regions(constant), torch.zeros(1, 2, dtype=FLOAT), ZERO + 1, to_limit=True)
    torch.testing.assert_close(flow.limits.points, constant.offset)
    torch.testing.assert_close(flow.states[0], constant.offset * (1 - np.exp(-1)))


def test_a_neuron_without_a_direction_is_the_constant_that_it_is():
    network = ReluNetwork(
        torch.eye(2, dtype=FLOAT)[None], torch.tensor([[[0.0, 0.0], [1.0, 0.0]]], dtype=FLOAT),
        torch.tensor([[1.0, 0.0]], dtype=FLOAT), torch.zeros(1, 2, 2, dtype=FLOAT), torch.zeros(1, 2, dtype=FLOAT),
    )  # fmt: skip
    start = torch.tensor([[0.3, 0.2]], dtype=FLOAT)
    limits = region_flow(affine_regions(network), start, ZERO, to_limit=True).limits
    torch.testing.assert_close(limits.points, torch.ones(1, 2, dtype=FLOAT))


def test_a_very_long_time_is_taken_in_few_steps():
    slabs = box_slabs(torch.tensor([0.2], dtype=FLOAT))
    starts = 0.5 + 0.8 * normal(0, 20, 3)
    flow = region_flow(affine_regions(slabs), starts, ZERO + 1e9, to_limit=False)
    torch.testing.assert_close(flow.states[0], (starts > 0.5).to(FLOAT), atol=1e-9, rtol=0)
