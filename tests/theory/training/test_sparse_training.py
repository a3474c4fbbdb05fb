"""Training on a working set of samples and neurons: the parts against plain tensors, the whole against slabs."""

import pytest
import torch
from attrs import evolve

from flowlab.api import Context, TrainingSet
from flowlab.components.denoisers.shallow_relu import ShallowRelu
from flowlab.components.optimizers.augmented_lagrangian import AugmentedLagrangian
from flowlab.components.schedules.variance_exploding import VarianceExploding
from flowlab.theory.convex_programs.slab_solution import slab_solution
from flowlab.theory.geometry.geometry import Geometry
from flowlab.theory.networks.interpolation import Interpolation, noisy_samples
from flowlab.theory.networks.relu_network import ReluNetwork
from flowlab.theory.training.descent import Descent, Weights, backward, optimizer_of
from flowlab.theory.training.neuron_growth import balance, heaviest, keep, sprout
from flowlab.theory.training.sparse_training import Multipliers, SparseTraining
from flowlab.theory.training.training_state import TrainingState
from flowlab.theory.training.working_set import Shuffle, choose_working_set, put, take

POINTS = torch.tensor([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]], dtype=torch.float64)
CPU = torch.device("cpu")


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def problem(levels=2, samples=40):
    sigma = torch.linspace(0.08, 0.05, levels, dtype=torch.float64)
    return Interpolation(noisy_samples(POINTS, sigma, samples, generator(3)), POINTS, sigma)


def random_network(levels, width, scale=1.0):
    shapes = ((levels, width, 3), (levels, width, 3), (levels, width), (levels, 3, 3), (levels, 3))
    draw = generator()
    return ReluNetwork(*(scale * torch.randn(s, generator=draw, dtype=torch.float64) for s in shapes))


def bank(levels=2, width=6):
    return Weights.of(random_network(levels, width), torch.float64, CPU)


def test_the_hardest_samples_are_each_point_s_own():
    residual_grad = torch.zeros(1, 6, 3)
    residual_grad[0, :, 0] = torch.tensor([1.0, 9.0, 2.0, 0.1, 0.3, 0.2])  # two points of three samples
    chosen = choose_working_set(residual_grad, points=2, count=2)
    assert sorted(chosen[0, :2].tolist()) == [1, 2]
    assert sorted(chosen[0, 2:].tolist()) == [4, 5]


def test_rows_taken_are_put_back_and_the_others_are_zero():
    rows = torch.randn(2, 8, 3, generator=generator())
    chosen = torch.tensor([[1, 4], [7, 0]])
    back = put(take(rows, chosen), chosen, 8)
    touched = torch.zeros(2, 8, dtype=torch.bool).scatter_(1, chosen, True)
    assert torch.equal(back[touched], rows[touched])
    assert not back[~touched].any()


def test_batches_use_every_sample_once_before_any_twice():
    samples = torch.arange(12.0).reshape(1, 1, 12, 1)
    shuffle, draw = Shuffle(), generator()
    seen = torch.cat([shuffle.batch(samples, 4, draw) for _ in range(3)], dim=1).flatten()
    assert sorted(seen.tolist()) == list(range(12))


def test_dropped_neurons_take_their_optimizer_state_along():
    weights = bank()
    task = problem()
    optimizer = optimizer_of(Descent(10, 1e-2, dtype=torch.float64), weights)
    backward(weights, task.inputs, task.targets, lambda residual: residual, 0.1)
    optimizer.step()
    before, moment = weights.inner.detach().clone(), optimizer.state[weights.inner]["exp_avg"].clone()
    chosen = torch.tensor([[4, 0], [1, 5]])
    keep(weights, chosen, optimizer)
    for level, kept in enumerate(chosen):
        assert torch.equal(weights.inner[level], before[level, kept])
        assert torch.equal(optimizer.state[weights.inner]["exp_avg"][level], moment[level, kept])
    backward(weights, task.inputs, task.targets, lambda residual: residual, 0.1)
    optimizer.step()  # of the new shapes
    assert weights.biases.shape == (2, 1, 2)


def test_the_level_with_most_neurons_decides_how_many_stay():
    weights = bank(levels=2, width=4)
    with torch.no_grad():
        weights.outer[0, 1:] *= 1e-6  # one left here, two there
        weights.outer[1, 2:] *= 1e-6
    chosen = heaviest(weights, 1e-3)
    assert chosen.shape == (2, 2)
    assert chosen[0, 0] == 0
    assert sorted(chosen[1].tolist()) == [0, 1]
    assert heaviest(weights, 0.0) is None


def test_a_sprout_sits_at_the_kink_that_the_residual_asks_for():
    y = torch.linspace(-1, 1, 401, dtype=torch.float64)[None, :, None]
    one = torch.ones(1, 1, 1, dtype=torch.float64)
    network = ReluNetwork(one, one, 5 * one[0], 0 * one, 0 * one[0])
    weights = Weights.of(network, torch.float64, CPU)
    grown = sprout(weights, y, -(y - 0.25).relu() + 3 * y - 1)  # an affine part that V and c would remove
    kink = (-grown.biases[0, 0, 1] / grown.inner[0, 1, 0]).item()
    # relu(. - t) correlates best near its own kink, not exactly at it: other kinks have larger features
    assert kink == pytest.approx(0.25, abs=0.15)
    assert grown.outer[0, 1, 0] > 0  # it removes the residual
    assert torch.equal(grown.inner[0, 0], weights.inner[0, 0])


def test_balancing_changes_the_cost_alone():
    weights = bank()
    task = problem()
    before, network = weights.residual(task.inputs, task.targets), weights.network()
    expected = network.balanced_cost
    balance(weights)
    torch.testing.assert_close(weights.residual(task.inputs, task.targets), before)
    torch.testing.assert_close(weights.network().cost, expected)


def sparsely_trained(task, start, steps, working):
    """The state at the end, and the multipliers."""
    schedule, descent = Multipliers(200.0, 20_000.0, 0.01), Descent(steps, 0.01)
    width = start.inner.shape[1]
    training = SparseTraining(task, descent, schedule, working, width, lambda *_: None, lambda *_: None)
    state = TrainingState.of(start, descent, generator(), CPU)
    return state, training.train(state)


@pytest.fixture(scope="module")
def trained():
    task = problem()
    start = random_network(2, 40, scale=0.35)
    start = evolve(start, skip=torch.zeros_like(start.skip), offset=torch.zeros_like(start.offset))
    state, multipliers = sparsely_trained(task, start, 10_000, 20)
    return task, state.weights.network().to(torch.float64), multipliers.double(), state.history


@pytest.mark.slow
def test_a_working_set_reaches_the_slab_cost_on_all_samples(trained):
    task, network, _, moments = trained
    residual = network(task.inputs) - task.targets
    slabs, _ = slab_solution(task.samples, POINTS, torch.tensor([[False, True, False], [False, False, True]]))
    # measured 2e-5 and 1.00004; slabs are optimal here, so below 1 only by what the violation allows
    assert residual.abs().max() < 3e-4
    ratio = network.cost / slabs.cost
    assert ((ratio > 0.999) & (ratio < 1.002)).all()
    assert network.inner.shape[1] <= 40
    assert moments[-1].step == 9999
    torch.testing.assert_close(network.cost, network.balanced_cost, rtol=1e-5, atol=0)


@pytest.mark.slow
def test_multipliers_are_those_of_the_constraints(trained):
    task, network, multipliers, _ = trained
    assert ((multipliers.norm(dim=-1) > 0).sum(1) <= 60).all()  # 20 of the 40 samples of three points
    # stationarity in c and V, and of the cost in the scale of the outer weights, to a few percent of the cost
    slack = 0.03 * network.cost
    assert (multipliers.sum(1).norm(dim=-1) < slack).all()
    assert (torch.bmm(multipliers.mT, task.inputs).norm(dim=(1, 2)) < slack).all()
    assert ((multipliers * task.targets).sum((1, 2)) - network.cost).abs().less(slack).all()


def built(optimizer, **fields):
    context = Context(0, "trained", torch.float64, CPU)
    schedule = VarianceExploding(final_time=0.0064, levels=2, spacing="sigma")
    data = TrainingSet(
        Geometry(POINTS, POINTS[0], POINTS[1:]),
        30,
        lambda sigma: noisy_samples(POINTS, sigma, 30, context.generator("noise")),
    )
    node = ShallowRelu("points", "schedule", "optimizer", **fields)
    return node.build(context, dataset=data, schedule=schedule, optimizer=optimizer)


def test_training_on_a_working_set_cut_short_says_so():
    result = built(AugmentedLagrangian(steps=30, working_set=10), width=32)
    assert "violation above 0.001" in result.shortfall


def test_few_samples_carry_multipliers_and_dead_neurons_are_gone():
    state, multipliers = sparsely_trained(problem(), random_network(2, 200, scale=0.35), 600, 10)
    carrying = (multipliers.norm(dim=-1) > 0).unflatten(1, (3, 40)).sum(-1)
    assert (carrying == 10).all()  # of 40, at each level and point
    assert state.weights.inner.shape[1] < 200
    assert [moment.step for moment in state.history] == sorted({m.step for m in state.history})


def test_dropout_needs_every_neuron_so_the_working_set_is_left_out():
    whole, part = (built(AugmentedLagrangian(steps=30, working_set=n), width=32, dropout=0.2) for n in (0, 10))
    assert whole.metrics["cost"] == part.metrics["cost"]
    assert part.metrics["width"] == 32
