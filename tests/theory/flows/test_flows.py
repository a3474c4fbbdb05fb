"""Exact flows against integrators and an outside solver; classes against exact probabilities."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp
from scipy.stats import binom

from flowlab.api import CLASSES, Context, FlowODE
from flowlab.components.integrators.ddim import Ddim
from flowlab.components.integrators.euler_t import EulerT
from flowlab.components.integrators.heun import Heun
from flowlab.theory.flows.outcomes import outcome_probabilities
from flowlab.theory.flows.separable_flow import exact_probability_flow, exact_score_flow
from flowlab.theory.geometry.classes import classify
from flowlab.theory.geometry.line import line_geometry
from flowlab.theory.geometry.simplex import simplex_geometry
from flowlab.theory.geometry.subset_sums import nearest_sum, subset_masks, sums_of
from flowlab.theory.networks.slabs import Slabs

CONTEXT = Context(0, "flow", torch.float64, torch.device("cpu"))
seeds = st.integers(0, 10**6)


def normal(seed, *shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def box_geometry(seed, count, dimension):
    lengths = 0.5 + torch.rand(count, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    edges = lengths[:, None] * torch.linalg.qr(normal(seed, dimension, count))[0].mT
    return simplex_geometry(torch.cat([torch.zeros_like(edges[:1]), edges])), lengths


def box_slabs(geometry, rho):
    """The closed form of an orthogonal set as the theorem writes it, apart from the program's construction."""
    edges = geometry.edges
    lengths = edges.norm(dim=-1)
    width = lengths - 2 * rho[:, None]
    weights = edges / lengths[:, None] / width[..., None]
    offset = edges.new_zeros(len(rho), edges.shape[-1])
    return Slabs(offset, edges.expand(len(rho), -1, -1), weights, -rho[:, None] / width)


def probability_path(geometry, alpha, sigma):
    bank = box_slabs(geometry, alpha * sigma)
    grid = torch.cat([sigma, sigma.new_zeros(1)])
    time = grid.square()
    return FlowODE(grid.log(), time, 0.5 / time, lambda y, i: bank.at(i)(y[None])[0]), bank


@settings(max_examples=20, deadline=None)
@given(seeds, st.integers(1, 5), st.floats(0.1, 0.45), st.integers(1, 40))
def test_probability_flow_ends_in_h_of_the_start_in_any_number_of_ddim_steps(seed, count, share, steps):
    geometry, lengths = box_geometry(seed, count, count + 1)
    sigma = torch.linspace(1, 1 / steps, steps, dtype=torch.float64) * 0.2
    path, bank = probability_path(geometry, share * float(lengths.min()) / 0.2, sigma)
    starts = geometry.cell.center + normal(seed + 1, 200, count + 1)
    states = Ddim().integrate(path, starts, CONTEXT)
    # rounding, amplified by slopes of at most 10
    torch.testing.assert_close(states[-1], bank.at(0)(starts[None])[0], atol=1e-9, rtol=0)
    exact = exact_probability_flow(bank.at(0), starts, torch.cat([sigma, sigma.new_zeros(1)]) / sigma[0])
    torch.testing.assert_close(states, exact, atol=1e-9, rtol=0)


def test_one_ddim_step_equals_a_thousand():
    geometry, _ = box_geometry(3, 4, 4)
    starts = geometry.cell.center + normal(4, 500, 4)
    ends = []
    for steps in (1, 1000):
        sigma = torch.linspace(1, 1 / steps, steps, dtype=torch.float64) * 0.1
        path, _ = probability_path(geometry, 2.0, sigma)
        ends.append(Ddim().integrate(path, starts, CONTEXT)[-1])
    torch.testing.assert_close(*ends, atol=1e-9, rtol=0)


@pytest.mark.slow
@settings(max_examples=10, deadline=None)
@given(seeds, st.booleans())
def test_score_flow_agrees_with_an_outside_solver(seed, on_a_line):
    if on_a_line:
        places = torch.tensor([0.0, 0.7, 1.9, 2.6], dtype=torch.float64)
        geometry = line_geometry(places[:, None] * torch.tensor([[0.6, 0.8]], dtype=torch.float64))
        dimension = 2
    else:
        geometry, _ = box_geometry(seed, 3, 4)
        dimension = 4
    slabs = geometry.closed_form(torch.tensor([0.1], dtype=torch.float64))
    starts = geometry.cell.center + 0.8 * normal(seed + 1, 5, dimension)
    r = torch.tensor([0.0, 0.5, 2.0, 7.0], dtype=torch.float64)
    exact = exact_score_flow(slabs, starts, r)
    for start, states in zip(starts, exact.movedim(1, 0), strict=True):

        def drift(_, y):
            y = torch.as_tensor(y)
            return (slabs(y[None, None])[0, 0] - y).numpy()

        outside = solve_ivp(
            drift, (0, 7), start.numpy(), "DOP853", r.numpy(), rtol=1e-11, atol=1e-12, max_step=0.02
        )
        # the kinks of h cost the solver one step's order, 0.02^2 times a jump in slope
        np.testing.assert_allclose(states.numpy(), outside.y.T, atol=2e-6)


@settings(max_examples=15, deadline=None)
@given(seeds)
def test_score_flow_is_a_semigroup_and_ends_in_a_vertex(seed):
    geometry, _ = box_geometry(seed, 3, 3)
    slabs = geometry.closed_form(torch.tensor([0.1], dtype=torch.float64))
    starts = geometry.cell.center + normal(seed + 1, 50, 3)
    two = torch.tensor([1.3, 2.1], dtype=torch.float64)
    once = exact_score_flow(slabs, starts, two.sum()[None])[0]
    halfway = exact_score_flow(slabs, starts, two[:1])[0]
    torch.testing.assert_close(exact_score_flow(slabs, halfway, two[1:])[0], once, atol=1e-8, rtol=1e-8)
    end = exact_score_flow(slabs, starts, torch.tensor([1000.0], dtype=torch.float64))[0]
    # a start within 1e-9 of the unstable point would need longer: none of fifty is
    assert nearest_sum(geometry.anchor, geometry.edges, end, "l2").max() < 1e-6


@pytest.mark.parametrize("rho", [0.0, 1e-12, 0.375, 0.46875])
def test_score_flow_keeps_a_start_on_the_unstable_point_and_all_starts_without_a_slope(rho):
    geometry = simplex_geometry(torch.tensor([[0.0], [1.0]], dtype=torch.float64))
    slabs = box_slabs(geometry, torch.tensor([rho], dtype=torch.float64))
    times = torch.tensor([0.0, 1.0, 100.0, 1000.0], dtype=torch.float64)
    starts = torch.tensor([[0.5], [0.501]], dtype=torch.float64)
    states = exact_score_flow(slabs, starts, times)[..., 0]
    # these radii are binary fractions (or tiny): h(0.5) = 0.5 to the last bit, else rounding itself would grow
    assert (states[:, 0] - 0.5).abs().max() < 1e-12
    # kappa below 1e-11 moves nothing in a time of 1,000; above, the start falls to its own side
    end = 0.501 if rho <= 1e-12 else 1.0
    assert states[-1, 1].item() == pytest.approx(end, abs=1e-9)


def test_a_gentle_slope_draws_to_its_own_fixed_point():
    one = torch.ones(1, 1, dtype=torch.float64)
    # h = 0.5 (y + 1) on -1 < y < 1: z = 1 + (z_0 - 1) e^{-r/2} never leaves the slope
    slabs = Slabs(0 * one, one[None], one[None] / 2, one / 2)
    r = torch.tensor([0.0, 0.7, 5.0], dtype=torch.float64)
    states = exact_score_flow(slabs, torch.tensor([[-0.4]], dtype=torch.float64), r)[:, 0, 0]
    torch.testing.assert_close(states, 1 - 1.4 * torch.exp(-r / 2))


@pytest.mark.parametrize(("integrator", "order"), [(Ddim(), 1), (EulerT(), 1), (Heun(), 2)])
def test_empirical_order_of_the_integrators(integrator, order):
    """h(y) = q y makes dy/dsigma = (1 - q) y / sigma, so y = y_T (sigma / sigma_T)^(1 - q)."""
    pull, end = 0.4, 0.2
    errors, counts = [], [20, 40, 80, 160]
    for steps in counts:
        tau = torch.linspace(1, end, steps + 1, dtype=torch.float64)
        path = FlowODE(tau.log(), tau.square(), 0.5 / tau.square(), lambda y, _: pull * y)
        last = integrator.integrate(path, torch.ones(1, 1, dtype=torch.float64), CONTEXT)[-1]
        errors.append(abs(float(last) - end ** (1 - pull)))
    slope = -np.polyfit(np.log(counts), np.log(errors), 1)[0]
    assert slope == pytest.approx(order, abs=0.1)


def test_the_papers_last_euler_step_in_t_goes_only_half_way():
    path = FlowODE(
        torch.tensor([0.0, -torch.inf]),
        torch.tensor([1.0, 0.0]),
        torch.tensor([0.5, torch.inf]),
        lambda y, _: 0 * y,
    )
    assert EulerT().integrate(path, torch.ones(1, 1), CONTEXT)[-1].item() == 0.5


def test_simulated_fractions_lie_within_exact_binomial_bounds():
    lengths = torch.tensor([1.0, 1.3, 0.8, 1.0], dtype=torch.float64)
    edges = lengths.diag()
    geometry = simplex_geometry(torch.cat([torch.zeros_like(edges[:1]), edges]))
    rho, spread, mean, threshold, count = 0.15, 0.5, 0.35 * lengths, 0.2, 20_000
    starts = mean + spread * normal(11, count, 4)
    ends = geometry.closed_form(torch.tensor([rho], dtype=torch.float64))(starts[None])[0]
    labels = classify(ends, geometry, threshold, "linf").labels
    expected = outcome_probabilities(lengths, rho, mean, spread, threshold * geometry.scale)
    assert sum(expected.values()) == pytest.approx(1)
    for k, name in enumerate(CLASSES):
        seen = int((labels == k).sum())
        # each bound fails by chance once in 10^6
        low, high = binom.ppf([5e-7, 1 - 5e-7], count, expected[name])
        assert low <= seen <= high, (name, seen, expected[name] * count)


def test_every_class_is_reached():
    edges = torch.eye(2, dtype=torch.float64)
    geometry = simplex_geometry(torch.cat([torch.zeros_like(edges[:1]), edges]))
    y = torch.tensor([[0, 1.1], [0.9, 1.1], [0.5, 0.1], [0.5, 0.5], [3, 3]], dtype=torch.float64)
    assert classify(y, geometry, 0.2, "linf").labels.tolist() == [0, 1, 2, 3, 4]


@settings(max_examples=20, deadline=None)
@given(seeds, st.sampled_from(["linf", "l2"]))
def test_classes_do_not_depend_on_the_order_of_the_points(seed, metric):
    geometry, _ = box_geometry(seed, 3, 4)
    order = torch.randperm(4, generator=torch.Generator().manual_seed(seed))
    other = simplex_geometry(geometry.points[order])
    y = geometry.cell.center + 0.6 * normal(seed, 100, 4)
    assert torch.equal(classify(y, geometry, 0.2, metric).labels, classify(y, other, 0.2, metric).labels)


def test_rounding_finds_the_nearest_sum_of_orthogonal_edges():
    edges = torch.eye(14, dtype=torch.float64)  # above the limit of enumeration
    y = 0.5 + normal(0, 20, 14)
    anchor = torch.zeros(14, dtype=torch.float64)
    every = subset_masks(14).to(edges) @ edges
    for metric, norm in (("l2", 2), ("linf", torch.inf)):
        expected = torch.linalg.vector_norm(y[:, None] - every, norm, dim=-1).amin(-1)
        torch.testing.assert_close(nearest_sum(anchor, edges, y, metric), expected)


def test_sums_are_all_or_a_sample_without_repeats():
    edges = torch.eye(6, dtype=torch.float64)
    every, total = sums_of(edges[0] * 0, edges, 3, 100, torch.Generator())
    assert total == len(every) == 20
    some, total = sums_of(edges[0] * 0, edges, 3, 7, torch.Generator().manual_seed(0))
    assert total == 20
    assert len(some.unique(dim=0)) == 7
    assert (some.sum(-1) == 3).all()
