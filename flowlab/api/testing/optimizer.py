"""The rules of every optimizer: it interpolates a tiny problem, and reports what it reached."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
import torch
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from flowlab.api.errors import NodeError
from flowlab.api.kinds.optimizer import Fit
from flowlab.api.testing.box import box_geometry
from flowlab.api.testing.suite import Suite, context, few, normal
from flowlab.theory.geometry.geometry import Geometry
from flowlab.theory.networks.interpolation import Interpolation, noisy_samples
from flowlab.theory.networks.relu_network import ReluNetwork
from flowlab.theory.training.quality import slab_cost, to_list, violation

_WIDTH, _SAMPLES, _DIMENSION = 40, 6, 2
_SIGMA = (0.1, 0.05)
_APART = 0.5  # half the least distance of two points
# Training by gradients changes a network a little after its last report; a violation of 1e-6 is interpolation.
_SINCE = 0.1
_NOTHING = 1e-6
# An optimizer is slow, so there is one problem, and only the component varies.
_once = settings(few, max_examples=1)


class OptimizerSuite(Suite):
    """The rules of an optimizer, on three points in the plane at two noise levels.

    An optimizer that trains by gradients has to take enough steps to interpolate within `feasible`.
    """

    kind: ClassVar[str] = "optimizer"
    feasible: ClassVar[float] = 1e-2  # data units

    @_once
    @given(st.data())
    def test_it_interpolates_and_reports_what_it_reached(self, data: st.DataObject) -> None:
        problem, geometry = tiny()
        fit = fitted(self.drawn(data), problem, geometry)
        _check_form(fit, problem)
        assert bool(fit.usable.all()), "a level that has a solution is marked as having none"
        off = float(_violation(fit, problem).max())
        # without a tolerance it does not aim at interpolation, but it has to distinguish the points
        most = _APART if fit.tolerance is None else self.feasible
        assert off <= most, f"violation {off:.3g} on three points in the plane"
        _check_figures(fit, problem, geometry)

    @_once
    @given(st.data())
    def test_it_does_not_claim_what_no_function_does(self, data: st.DataObject) -> None:
        problem, geometry = tiny()
        # the samples of two points are the same: no function maps them to both
        samples = problem.samples.clone()
        samples[:, 1] = samples[:, 0]
        problem = evolve(problem, samples=samples)
        try:
            fit = fitted(self.drawn(data), problem, geometry)
        except NodeError:
            return
        _check_form(fit, problem)
        if fit.usable.any() and fit.shortfall is None and fit.tolerance is not None:
            off = _violation(fit, problem)[fit.usable]
            assert bool((off > fit.tolerance).all()), f"a violation of {off.max():.3g} counts as interpolation"
        _check_figures(fit, problem, geometry)

    @_once
    @given(st.data())
    def test_the_same_seed_gives_the_same_bits(self, data: st.DataObject) -> None:
        problem, geometry = tiny()
        component = self.drawn(data)
        first, again = (fitted(component, problem, geometry).network for _ in range(2))
        for name in ("outer", "inner", "biases", "skip", "offset"):
            assert torch.equal(getattr(first, name), getattr(again, name)), f"{name} differs with the same seed"


def tiny() -> tuple[Interpolation, Geometry]:
    """A problem of three points in the plane with six samples each, and its geometry."""
    geometry = box_geometry(0, edges=2, dimension=_DIMENSION)
    levels = torch.tensor(_SIGMA, dtype=torch.float64)
    samples = noisy_samples(geometry.points, levels, _SAMPLES, context().generator("noise"))
    return Interpolation(samples, geometry.points, levels), geometry


def fitted(component: Any, problem: Interpolation, geometry: Geometry) -> Fit:
    """The fit of an optimizer to a problem, from random weights; a failed assertion for any other result."""
    levels = len(problem.sigma)
    rows = torch.nn.functional.normalize(normal(1, 2, levels, _WIDTH, _DIMENSION), dim=-1) / 2
    zero = torch.zeros(levels, _DIMENSION, _DIMENSION, dtype=torch.float64)
    start = ReluNetwork(rows[0], rows[1], normal(2, levels, _WIDTH) / 4, zero, zero[:, 0])
    fit = component.minimise(problem, geometry, start, 0.0, context())
    assert isinstance(fit, Fit), f"minimise returned {type(fit).__name__}, not Fit"
    return fit


def _check_form(fit: Fit, problem: Interpolation) -> None:
    """Check the shapes, and that weights are finite at every usable level."""
    levels, network = len(problem.sigma), fit.network
    assert fit.usable.shape == (levels,), "usable marks each level"
    width = network.inner.shape[1]
    shapes = [part.shape for part in (network.outer, network.inner, network.biases, network.skip, network.offset)]
    rows = (levels, width, _DIMENSION)
    assert shapes == [rows, rows, (levels, width), (levels, _DIMENSION, _DIMENSION), (levels, _DIMENSION)]
    assert bool(_violation(fit, problem)[fit.usable].isfinite().all()), (
        "a usable level holds a network that is not finite"
    )
    if fit.multipliers is not None:
        assert fit.multipliers.shape == (levels, *problem.inputs.shape[1:]), "multipliers are (L, N * M, d)"


def _check_figures(fit: Fit, problem: Interpolation, geometry: Geometry) -> None:
    """Check that reported numbers are those of the network."""
    off = _violation(fit, problem)
    balanced = fit.network.to(torch.float64).balanced_cost
    measured = {"violation_max": off, "cost_balanced": balanced}
    for name, figures in fit.quality.items():
        assert len(figures) == len(off), f"{name} has {len(figures)} figures for {len(off)} levels"
        if name in measured:
            assert figures == pytest.approx(to_list(measured[name]), rel=1e-5), f"{name} is not what is found"
    bounds = fit.quality.get("bound", [])
    least = torch.fmin(slab_cost(problem, geometry), torch.where(off <= _NOTHING, balanced, torch.inf))
    for bound, cost in zip(bounds, least.tolist(), strict=False):
        # the solver of the slabs works to 1e-10
        assert bound is None or not bound > cost * (1 + 1e-6), f"a bound of {bound} above a cost of {cost}"
    if fit.history is not None:
        reported = off.new_tensor(fit.history.columns["violation_max"][-len(off) :])
        # a later stage may have improved it
        assert bool((off <= (1 + _SINCE) * reported + _NOTHING).all()), (
            f"violation {off.max():.3g}, reported {reported.max():.3g}"
        )


def _violation(fit: Fit, problem: Interpolation) -> Tensor:
    """The largest residual of each level (L,), in float64."""
    return violation(fit.network.to(torch.float64)(problem.inputs) - problem.targets).max
