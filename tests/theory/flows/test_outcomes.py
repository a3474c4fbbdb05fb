"""Exact classes of the probability flow's endpoints, and the times T at which they change."""

import attrs
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from flowlab.theory.flows.outcomes import (
    axis_box,
    box_coordinates,
    outcome_labels,
    outcome_probabilities,
    stopping_times,
)
from flowlab.theory.geometry.classes import classify
from flowlab.theory.geometry.line import line_geometry
from flowlab.theory.geometry.simplex import simplex_geometry

seeds = st.integers(0, 10**6)


def normal(seed, *shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def box(seed, count, dimension=None, turn=None):
    """A box along the axes off the origin, and its lengths."""
    lengths = 0.8 + 0.5 * torch.rand(count, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    edges = torch.zeros(count, dimension or count, dtype=torch.float64)
    edges[:, :count] = lengths.diag()
    points = torch.cat([torch.zeros_like(edges[:1]), edges])
    points = points if turn is None else points @ turn
    geometry = simplex_geometry(points)
    return attrs.evolve(geometry, separable=True), lengths


@settings(max_examples=30, deadline=None)
@given(seeds, st.integers(1, 4), st.floats(0.01, 0.39), st.sampled_from([1e-6, 0.1, 0.2]))
def test_the_class_of_a_start_is_that_of_its_endpoint(seed, count, rho, threshold):
    geometry, lengths = box(seed, count, count + 1)
    starts = geometry.cell.center + 0.6 * normal(seed + 1, 500, count + 1)
    z = box_coordinates(geometry, starts)
    ends = geometry.closed_form(torch.tensor([rho], dtype=torch.float64))(starts[None])[0]
    torch.testing.assert_close(
        outcome_labels(z, lengths, rho, threshold * geometry.scale),
        classify(ends, geometry, threshold, "linf").labels,
    )


@settings(max_examples=30, deadline=None)
@given(seeds, st.integers(1, 4), st.floats(0.5, 4), st.sampled_from([0.0, 0.2]))
def test_the_class_changes_at_the_stopping_times_and_nowhere_else(seed, count, alpha, threshold):
    _, lengths = box(seed, count)
    z = lengths / 2 + 0.4 * normal(seed, 200, count)
    times = stopping_times(z, lengths, alpha, threshold)
    leaves, vertex = times.amin(-1), times.amax(-1)
    for factor in (0.99, 1.01):
        for tau, is_vertex in ((vertex, True), (leaves, False)):
            for k in (tau > 0).nonzero()[:50, 0].tolist():
                rho = alpha * float(factor * tau[k]) ** 0.5
                label = int(outcome_labels(z[k : k + 1], lengths, rho, threshold))
                assert (label <= 1 if is_vertex else label != 3) == (factor > 1)
    outside = vertex == 0
    # a start at an end along every edge ends in a vertex at any T
    assert (outcome_labels(z[outside], lengths, 1e-9, threshold) <= 1).all()


def test_stopping_times_by_hand():
    lengths = torch.tensor([1.0, 2.0], dtype=torch.float64)
    z = torch.tensor([[0.3, 1.6], [-0.1, 2.5]], dtype=torch.float64)
    expected = torch.tensor([[0.01, 4 / 225], [0, 0]], dtype=torch.float64)
    torch.testing.assert_close(stopping_times(z, lengths, 3.0, 0.0), expected)


def test_probabilities_are_the_shares_of_the_labels():
    _, lengths = box(3, 3)
    mean, count = 0.3 * lengths, 100_000
    labels = outcome_labels(mean + 0.5 * normal(5, count, 3), lengths, 0.2, 0.2)
    expected = outcome_probabilities(lengths, 0.2, mean, 0.5, 0.2)
    for k, name in enumerate(("training", "virtual", "boundary", "interior")):
        share = float((labels == k).double().mean())
        # five standard deviations: each fails by chance once in two million
        assert abs(share - expected[name]) < 5 * (expected[name] * (1 - expected[name]) / count) ** 0.5


def test_only_a_box_along_the_axes_is_one():
    geometry, lengths = box(0, 3, 4)
    torch.testing.assert_close(axis_box(geometry), lengths)
    assert axis_box(attrs.evolve(geometry, separable=False)) is None
    turned, _ = box(0, 3, turn=torch.linalg.qr(normal(0, 3, 3))[0])
    assert axis_box(turned) is None
    places = torch.tensor([[0.0, 0], [1, 0], [3, 0]], dtype=torch.float64)
    assert axis_box(line_geometry(places)) is None


@pytest.mark.parametrize("spread", [0.05, 3.0])
def test_class_probabilities_sum_to_one(spread):
    _, lengths = box(1, 30)
    assert sum(outcome_probabilities(lengths, 0.3, lengths / 2, spread, 0.2).values()) == pytest.approx(1)
