"""A network brought to minimum norm as near as can be proved: insert neurons, prune, polish, bound."""

from __future__ import annotations

from collections.abc import Callable

import torch
from attrs import frozen
from torch import Tensor

from flowlab.theory.certificates.certificate import BoundEstimate, Search, multiplier_estimate
from flowlab.theory.certificates.cutting_planes import cutting_planes
from flowlab.theory.certificates.proof import Proof, gap_above
from flowlab.theory.certificates.proving import ProofBudget, prove
from flowlab.theory.networks.interpolation import Interpolation
from flowlab.theory.networks.neurons import Neurons
from flowlab.theory.networks.pruning import build_network, live_neurons, merge_neighbours
from flowlab.theory.networks.relu_network import ReluNetwork
from flowlab.theory.training.descent import Descent
from flowlab.theory.training.quality import violation
from flowlab.theory.training.sparse_training import Multipliers, SparseTraining
from flowlab.theory.training.training_state import TrainingState

_LIVE = 1e-4  # share of the largest |a| |w| below which a neuron is what training has not yet brought to zero
_NEAR, _WIDE = 0.05, 0.15  # distances in (w, b) of unit neurons that stand for one: at work, and at the end
_CHEAP = 0.01  # share of the gap that a smaller network may cost more
# The polish holds an interpolating start by its first penalty, which a training from scratch must not have.
_HOLD = Multipliers(first=200.0, last=400_000.0, rate=0.01)
_RATE = 1e-3


@frozen
class Goal:
    """When to stop: at an optimality gap 1 - bound / cost by the estimate, or after so many `passes`.

    `tolerance`: the largest violation of a network that interpolates. `rounds` of cutting planes and `polish`
    steps of float64 training, each on `working` samples a point, are spent in a pass; `regions` of directions
    bounded and `turns` of new multipliers in the proof at the end.
    """

    gap: float
    tolerance: float
    passes: int
    rounds: int
    polish: int
    working: int
    regions: int = ProofBudget().regions
    turns: int = ProofBudget().turns


@frozen
class Certified:
    """The cheapest interpolating network found (a bank of one), and bounds on the least cost from below.

    No network that interpolates exactly costs less than `proof.bound`; `estimate` rests on a search. `passes`
    counts the rounds of inserting neurons.
    """

    network: ReluNetwork
    violation: float
    cost: float
    estimate: BoundEstimate
    proof: Proof
    passes: int

    @property
    def bound_estimate(self) -> float:
        """The larger of the two bounds: what is proved is at least estimated."""
        return max(self.estimate.value, self.proof.bound)

    @property
    def gap_estimate(self) -> float:
        """1 - bound / cost, by the estimate; 0 where the cost is nil."""
        return 1 - self.bound_estimate / self.cost if self.cost > 0 else 0.0

    @property
    def gap_proved(self) -> float:
        """1 - bound / cost, proved: how far the cost can be above the least; 0 where it is nil."""
        return gap_above(self.proof.bound, self.network)


def certified(
    start: ReluNetwork,
    problem: Interpolation,
    multipliers: Tensor | None,
    goal: Goal,
    search: Search,
    generator: torch.Generator,
    report: Callable[[str, float], None] = lambda _, __: None,
) -> Certified:
    """Bring one level's network to the least cost: start and problem of L = 1, multipliers (1, Q, d) if known.

    The start is pruned and polished. Then, pass by pass, cutting planes find the neurons that would lower the
    cost, and estimate a bound below it; where the two are apart by more than half the gap, the network of those
    neurons is pruned and polished, and taken if it interpolates for less. What is left is proved. Raises Diverged.
    """
    samples, targets = problem.inputs[0], problem.targets[0]
    best = _best([start, *_polished(*live_neurons(start, _LIVE), _NEAR, problem, goal, generator)], problem, goal)
    bounds = []
    if multipliers is not None:
        bounds.append(
            multiplier_estimate(multipliers[0], samples, targets, live_neurons(best)[0], search, generator)
        )
    for turn in range(1, goal.passes + 1):
        cost, hints = float(best.balanced_cost[0]), live_neurons(best, _LIVE)[0]
        found = cutting_planes(
            samples, targets, hints, cost, goal.gap / 2, goal.rounds, search, generator,
            report=lambda _, so_far: report("bound_estimate", so_far.bound.value),
        )  # fmt: skip
        bounds.append(found.bound)
        bound = max(bounds, key=lambda one: one.value)
        if bound.value >= (1 - goal.gap / 2) * cost or turn == goal.passes:
            break
        candidates = _polished(found.program.neurons, found.program.outer, _NEAR, problem, goal, generator)
        best = _best([best, *candidates], problem, goal)
    best = _best([best, *_polished(*live_neurons(best, _LIVE), _WIDE, problem, goal, generator)], problem, goal)
    cost = float(best.balanced_cost[0])
    proof = prove(
        samples, targets, found.program, bound, cost, goal.gap,
        ProofBudget(goal.turns, goal.regions, goal.rounds), search, generator,
        lambda so_far: report("bound_proved", so_far.bound),
    )  # fmt: skip
    return Certified(best, _violation(best, problem), cost, bound, proof, turn)


def _best(networks: list[ReluNetwork], problem: Interpolation, goal: Goal) -> ReluNetwork:
    """Of those that interpolate and cost next to the least, the smallest; where none does, the least violating."""
    off = [_violation(network, problem) for network in networks]
    allowed = [network for network, v in zip(networks, off, strict=True) if v <= goal.tolerance]
    if not allowed:
        return networks[min(range(len(off)), key=off.__getitem__)]
    least = min(float(network.balanced_cost[0]) for network in allowed)
    cheap = [one for one in allowed if float(one.balanced_cost[0]) <= (1 + _CHEAP * goal.gap) * least]
    return min(cheap, key=lambda network: network.biases.shape[-1])


def _polished(
    neurons: Neurons,
    outer: Tensor,
    near: float,
    problem: Interpolation,
    goal: Goal,
    generator: torch.Generator,
) -> list[ReluNetwork]:
    """The network of a dictionary, neighbours merged, then trained on in float64; none if it is empty."""
    if not len(neurons):
        return []
    small, sums = merge_neighbours(neurons, outer, near)
    start = build_network(small, sums, problem.inputs[0], problem.targets[0])
    descent = Descent(goal.polish, _RATE, dtype=torch.float64)
    state = TrainingState.of(start, descent, generator, problem.samples.device)
    width = start.biases.shape[-1]
    # seconds long, so it keeps no checkpoint
    training = SparseTraining(problem, descent, _HOLD, goal.working, width, lambda *_: None, lambda *_: None)
    training.train(state, searched=True)
    return [state.weights.network()]


def _violation(network: ReluNetwork, problem: Interpolation) -> float:
    return float(violation(network(problem.inputs) - problem.targets).max)
