"""Networks brought to the least cost and proved to be there, against known minima and the slabs."""

import pytest
import torch

from flowlab.api import Context, Geometry, NodeError, TrainingSet
from flowlab.components.denoisers.shallow_relu import ShallowRelu
from flowlab.components.optimizers.augmented_lagrangian import AugmentedLagrangian
from flowlab.components.optimizers.certified_min_norm import CertifiedMinNorm
from flowlab.components.optimizers.max_margin import MaxMargin
from flowlab.components.schedules.noise_levels import NoiseLevels
from flowlab.theory.certificates.certificate import Search
from flowlab.theory.certificates.certified import Goal, certify
from flowlab.theory.convex_programs.max_margin import separate
from flowlab.theory.convex_programs.slab_solution import slab_solution
from flowlab.theory.networks.interpolation import Interpolation, noisy_samples
from flowlab.theory.networks.relu_network import ReluNetwork, from_slabs
from flowlab.theory.solvers.fermat_weber import weighted_fermat_weber

SQUARE = torch.tensor([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]], dtype=torch.float64)
BOX = SQUARE[[0, 1, 3]]
CPU = torch.device("cpu")
GOAL = Goal(gap=0.01, tolerance=1e-4, passes=4, rounds=30, polish=3_000, working=30)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def problem(points, sigma=0.05, samples=30):
    level = torch.tensor([sigma], dtype=torch.float64)
    return Interpolation(noisy_samples(points, level, samples, generator(3)), points, level)


def wasteful(task):
    """The slabs, with their neurons' outer rows tripled and cancelled again: five times the cost."""
    slabs, usable = slab_solution(task.samples, task.points, None)
    assert usable.all()
    good = from_slabs(slabs)
    spread = torch.cat([3 * good.outer, -2 * good.outer], 1)
    parts = (spread, good.inner.repeat(1, 2, 1), good.biases.repeat(1, 2), good.skip, good.offset)
    return ReluNetwork(*parts), float(slabs.cost[0])


def test_a_wasteful_network_is_brought_down_to_the_minimum():
    task = problem(BOX)
    start, slab = wasteful(task)
    assert float(start.balanced_cost[0]) > 4 * slab
    end = certify(start, task, None, GOAL, Search(32), generator())
    # the corner's slabs are minimal, and in the plane the bound is exact; the violation's share is far below
    assert end.estimate.demand.exact
    assert end.proof.bound <= slab * (1 + 1e-9)
    assert end.gap_proved <= 0.01
    assert slab * (1 - 1e-4) <= end.cost <= slab * 1.01
    assert end.network.inner.shape[1] <= 8
    assert (end.network(task.inputs) - task.targets).abs().max() == pytest.approx(end.violation)
    assert end.violation <= 1e-4


def test_the_square_is_interpolated_for_half_the_cost_of_single_slabs():
    """Four corners are no simplex: two pairs of neurons along the axes do what four slabs can't."""
    task = problem(SQUARE)
    slabs, _ = slab_solution(task.samples, task.points, None)
    alone = separate(task.samples, torch.eye(4, dtype=torch.bool)).weights[0].norm(dim=-1)
    center = weighted_fermat_weber(task.points, alone)
    single = 2 * (alone * (task.points - center).norm(dim=-1)).sum()
    x, y = task.samples[0, ..., 0], task.samples[0, ..., 1]
    along = sum(  # each coordinate stepped by itself, at the samples' own margin along its axis
        2 / (part[above].min() - part[~above].max())
        for part, above in ((x, torch.tensor([False, True, True, False])), (y, torch.tensor([0, 0, 1, 1]) > 0))
    )
    end = certify(from_slabs(slabs), task, None, GOAL, Search(32), generator())
    assert end.gap_proved <= 0.01
    assert end.proof.bound <= float(along) * (1 + 1e-9)  # a feasible network's cost, so no bound is above it
    assert end.cost <= float(along) * (1 + 1e-4)
    assert end.cost < 0.6 * float(single)
    assert float(slabs.cost[0]) < 0.6 * float(single)


def built(optimizer, points=BOX, width=32, dropout=0.0, levels=(0.08, 0.05)):
    context = Context(0, "trained", torch.float64, CPU)
    data = TrainingSet(
        Geometry(points, points[0], points[1:] - points[0]),
        30,
        lambda sigma: noisy_samples(points, sigma, 30, generator(3)),
    )
    node = ShallowRelu("points", "schedule", "optimizer", width=width, dropout=dropout)
    return node.build(context, dataset=data, schedule=NoiseLevels(levels), optimizer=optimizer)


def test_the_component_reports_bound_and_gap_of_every_level():
    result = built(CertifiedMinNorm(start="slabs", polish=500))
    assert result.shortfall is None
    for cost, bound, gap in zip(
        *(result.metrics[name] for name in ("cost", "bound_proved", "gap_proved")), strict=True
    ):
        assert bound == pytest.approx((1 - gap) * cost)
        assert gap <= 0.01
    assert all(abs(ratio - 1) < 1e-6 for ratio in result.metrics["slab_ratio"])
    multipliers = result.value.multipliers
    assert multipliers.shape == (2, 90, 2)
    assert multipliers.sum(1).abs().max() < 1e-9  # the projection's rounding


def test_a_gap_that_is_not_reached_is_a_shortfall():
    result = built(CertifiedMinNorm(start="slabs", gap=1e-6, rounds=1, passes=1, polish=10))
    assert "no gap of 1e-06 proved at 2 of 2 levels" in result.shortfall


def test_a_training_cut_short_is_no_certified_network():
    result = built(CertifiedMinNorm(steps=20, passes=1, rounds=1, polish=10))
    assert "violation above 0.0001" in result.shortfall


def test_dropout_has_no_certificate():
    with pytest.raises(NodeError, match="set dropout = 0"):
        built(CertifiedMinNorm(), dropout=0.1)


def test_an_interpolating_network_of_too_high_a_cost_does_not_pass_for_converged():
    # a large penalty from the start interpolates and never lowers the norm
    recipe = AugmentedLagrangian(steps=1_500, penalty_start=20_000.0, tolerance=0.02)
    assert "not of minimum norm at" in built(recipe, width=64).shortfall


@pytest.mark.slow
def test_from_random_weights_to_a_certified_minimum():
    result = built(CertifiedMinNorm(gap=1e-3, working_set=20), levels=(0.05,))
    assert result.shortfall is None
    assert result.metrics["gap_proved"][0] <= 1e-3
    assert result.metrics["width"] <= 12


@pytest.mark.parametrize("points", [SQUARE, BOX])
def test_max_margin_proves_its_cost_the_least_of_slabs(points):
    result = built(MaxMargin(), points)
    assert result.shortfall is None
    assert result.metrics["slab_bound"] == pytest.approx(result.metrics["cost_slab"], rel=1e-8)
    assert result.metrics["slab_ratio"] == pytest.approx([1.0] * len(result.metrics["cost_slab"]), rel=1e-8)


def test_max_margin_says_where_it_did_not_price_every_dichotomy():
    turns = torch.arange(15, dtype=torch.float64)
    result = built(MaxMargin(), torch.stack([turns.cos(), turns.sin(), (0.7 * turns).cos()], -1), levels=(0.001,))
    assert "not all 16383 dichotomies of 15 points" in result.shortfall
    assert result.metrics["slab_bound"] == [None]
