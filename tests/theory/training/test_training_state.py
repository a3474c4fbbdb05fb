"""A training that is cut short and goes on ends in the same bits as one that isn't."""

import pytest
import torch
from attrs import evolve

from flowlab.api import Context, TrainingSet
from flowlab.components.denoisers.shallow_relu import ShallowRelu
from flowlab.components.optimizers.augmented_lagrangian import AugmentedLagrangian
from flowlab.components.optimizers.weight_decay import WeightDecay
from flowlab.components.schedules.variance_exploding import VarianceExploding
from flowlab.theory.geometry.geometry import Geometry
from flowlab.theory.networks.interpolation import noisy_samples
from flowlab.theory.networks.relu_network import ReluNetwork
from flowlab.theory.training.descent import Descent
from flowlab.theory.training.history import HistoryEntry, pack_history, unpack_history
from flowlab.theory.training.training_state import TrainingState

POINTS = torch.tensor([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]], dtype=torch.float64)
CONTEXT = Context(0, "trained", torch.float64, torch.device("cpu"))
STEPS = 100


class Memory:
    """Keeps copies of the state after some steps, or after all."""

    def __init__(self, steps=range(1, STEPS + 1)):
        self.steps, self.states = steps, {}

    def load(self, name):
        return next(reversed(self.states.values()), None)

    def save(self, name, done, total, state):
        if done in self.steps:
            self.states[done] = {key: tensor.clone() for key, tensor in state().items()}


def trained(optimizer, context=CONTEXT, dropout=0.0, points=POINTS, width=24):
    """The bank as trained, every number of it."""
    data = TrainingSet(
        Geometry(points, points[0], points[1:]),
        20,
        lambda sigma: noisy_samples(points, sigma, 20, CONTEXT.generator("noise")),
    )
    schedule = VarianceExploding(final_time=0.0064, levels=2, spacing="sigma")
    node = ShallowRelu("points", "schedule", "optimizer", width=width, dropout=dropout)
    bank = node.build(context, dataset=data, schedule=schedule, optimizer=optimizer).value
    return bank.network, bank.multipliers, bank.history.columns


def assert_same_bits(one, other):
    for ours, theirs in zip(one[0]._parts, other[0]._parts, strict=True):
        assert torch.equal(ours, theirs)
    assert (one[1] is None) == (other[1] is None)
    assert one[1] is None or torch.equal(one[1], other[1])
    assert one[2] == other[2]


@pytest.fixture
def _frequent(monkeypatch):
    """Let the working set be chosen every 20 steps, so that 100 hold several choices of every stage."""
    monkeypatch.setattr("flowlab.theory.training.sparse_training._BETWEEN", 20)


METHODS = [
    (AugmentedLagrangian(steps=STEPS), 0.0),
    (AugmentedLagrangian(steps=STEPS, inner="nadam", precision="float64"), 0.2),
    (AugmentedLagrangian(steps=STEPS, working_set=6), 0.0),
    (AugmentedLagrangian(steps=STEPS, working_set=6, inner="nadam", precision="float64"), 0.0),
    (AugmentedLagrangian(steps=STEPS, working_set=6, start="slabs"), 0.0),
    (WeightDecay(steps=STEPS), 0.0),
    (WeightDecay(steps=STEPS, inner="radam", precision="float64"), 0.2),
]


@pytest.mark.usefixtures("_frequent")
@pytest.mark.parametrize(("optimizer", "dropout"), METHODS)
def test_from_any_step_training_goes_on_to_the_same_bits(optimizer, dropout):
    memory = Memory()
    whole = trained(optimizer, evolve(CONTEXT, checkpoint=memory), dropout)
    assert_same_bits(whole, trained(optimizer, dropout=dropout))  # looking changes nothing
    # within and at both ends of the stages of 30, 10, 10 and 50 steps, and of the 20 between choices
    for step in (1, 19, 20, 29, 30, 31, 40, 45, 50, 51, 69, 70, 71, 99, 100):
        early = Memory(())
        early.states = {step: memory.states[step]}
        assert_same_bits(trained(optimizer, evolve(CONTEXT, checkpoint=early), dropout), whole)


@pytest.mark.usefixtures("_frequent")
@pytest.mark.parametrize(("optimizer", "dropout"), METHODS)
def test_an_interrupt_from_the_progress_loses_what_came_after_the_save_alone(optimizer, dropout):
    memory, reported = Memory((47,)), []

    def interrupt(done, total, figures):
        reported.append(done)
        if memory.states:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trained(optimizer, evolve(CONTEXT, checkpoint=memory, progress=interrupt), dropout)
    assert 47 < reported[-1] < STEPS
    again = []
    context = evolve(CONTEXT, checkpoint=memory, progress=lambda done, *_: again.append(done))
    assert_same_bits(trained(optimizer, context, dropout), trained(optimizer, dropout=dropout))
    assert again[0] == reported[-1]  # no step before the save was taken twice


@pytest.mark.parametrize("working_set", [0, 6])
def test_stages_without_steps_and_a_single_dimension(working_set):
    optimizer = AugmentedLagrangian(steps=7, working_set=working_set)  # rises of no step
    line, memory = POINTS[:2, :1], Memory()
    whole = trained(optimizer, evolve(CONTEXT, checkpoint=memory), points=line)
    for step, state in dict(memory.states).items():
        memory.states = {step: state}
        assert_same_bits(trained(optimizer, evolve(CONTEXT, checkpoint=memory), points=line), whole)


def begun(generator, saved=None):
    draw = torch.Generator().manual_seed(1)
    shapes = ((2, 5, 3), (2, 5, 3), (2, 5), (2, 3, 3), (2, 3))
    network = ReluNetwork(*(torch.randn(shape, generator=draw, dtype=torch.float64) for shape in shapes))
    return TrainingState.of(network, Descent(10, 1e-2), generator, CONTEXT.device, 4, saved)


def test_a_state_is_its_tensors():
    state = begun(torch.Generator().manual_seed(2))
    for leaf in (state.weights.inner, state.weights.skip):
        leaf.grad = torch.ones_like(leaf)
    state.optimizer.step()
    state.step, state.rate, state.penalty = 3, 1 / 3, 1e9 / 7
    state.multipliers += 1 / 9
    state.chosen = torch.tensor([[1, 0], [2, 3]])
    state.shuffle.batch(torch.zeros(1, 1, 9, 1), 2, state.generator)
    state.history.append(HistoryEntry(2, torch.rand(2), torch.rand(2), 1 / 7))
    named = state.tensors()
    other = begun(torch.Generator(), named)
    copies = other.tensors()
    assert copies.keys() == named.keys()
    assert all(torch.equal(copies[name], tensor) for name, tensor in named.items())
    assert all(copies[name].dtype == tensor.dtype for name, tensor in named.items())
    assert (other.step, other.rate, other.penalty) == (3, 1 / 3, 1e9 / 7)
    assert torch.equal(*(torch.rand(5, generator=one.generator) for one in (state, other)))
    other.multipliers += 1
    assert torch.equal(named["multipliers"], state.multipliers)  # copies


def test_no_moments_are_no_moments():
    assert unpack_history(pack_history([])) == []
