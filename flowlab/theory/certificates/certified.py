"""Towards a network of minimum norm with a proof: insert neurons, prune, polish, bound."""

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

_LIVE = 1e-4  # share of the largest |a| |w| below which a neuron is a remainder of unfinished training
_NEAR, _WIDE = 0.05, 0.15  # distances in (w, b) within which unit neurons are merged: in a pass, and at the end
_CHEAP = 0.01  # share of the gap by which a smaller network may cost more
# The first penalty of the polish is large enough to keep an interpolating start; training from scratch needs less.
_POLISH = Multipliers(first=200.0, last=400_000.0, rate=0.01)
_RATE = 1e-3


@frozen
class Goal:
    """When to stop: at an estimated optimality gap 1 - bound / cost of at most `gap`, or after `passes` passes.

    `tolerance` is the largest violation of a network that interpolates. A pass has up to `rounds` rounds of
    cutting planes and `polish` steps of float64 training on `working` samples per point. The proof at the end
    bounds up to `regions` regions of directions, with up to `turns` sets of multipliers.
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
class CertifiedNetwork:
    """The cheapest interpolating network found (a bank of one), with lower bounds on the least cost.

    No network that interpolates exactly costs less than `proof.bound`. `estimate` rests on a search and may be too
    high. `passes` is the number of passes that inserted neurons.
    """

    network: ReluNetwork
    violation: float
    cost: float
    estimate: BoundEstimate
    proof: Proof
    passes: int

    @property
    def bound_estimate(self) -> float:
        """The estimate of the lower bound, or the proved bound where that is larger."""
        return max(self.estimate.value, self.proof.bound)

    @property
    def gap_estimate(self) -> float:
        """The gap 1 - bound / cost by the estimate; 0 where the cost is zero."""
        return 1 - self.bound_estimate / self.cost if self.cost > 0 else 0.0

    @property
    def gap_proved(self) -> float:
        """The proved gap 1 - bound / cost, the most by which the cost can be lowered; 0 for cost zero."""
        return gap_above(self.proof.bound, self.network)


def certify(
    start: ReluNetwork,
    problem: Interpolation,
    multipliers: Tensor | None,
    goal: Goal,
    search: Search,
    generator: torch.Generator,
    report: Callable[[str, float], None] = lambda _, __: None,
) -> CertifiedNetwork:
    """Lower the cost of a network of one level, and prove how near it is to the least cost.

    `start` and `problem` have one level; multipliers (1, Q, d) are those of a training, if known. The start is
    pruned and polished. In each pass, cutting planes find neurons that would lower the cost, and estimate a lower
    bound. Where cost and bound differ by more than half the gap, the network of these neurons is pruned and
    polished, and replaces the best one if it interpolates at a lower cost. At the end a lower bound is proved.
    Raises Diverged where a polish diverges.
    """
    samples, targets = problem.inputs[0], problem.targets[0]
    best = _best([start, *_polish(*live_neurons(start, _LIVE), _NEAR, problem, goal, generator)], problem, goal)
    bounds = []
    if multipliers is not None:
        neurons, _ = live_neurons(best)
        bounds.append(multiplier_estimate(multipliers[0], samples, targets, neurons, search, generator))
    for passes in range(1, goal.passes + 1):
        cost, hints = float(best.balanced_cost[0]), live_neurons(best, _LIVE)[0]
        certificate = cutting_planes(
            samples, targets, hints, cost, goal.gap / 2, goal.rounds, search, generator,
            report=lambda _, so_far: report("bound_estimate", so_far.bound.value),
        )  # fmt: skip
        program = certificate.program
        bounds.append(certificate.bound)
        bound = max(bounds, key=lambda estimate: estimate.value)
        if bound.value >= (1 - goal.gap / 2) * cost or passes == goal.passes:
            break
        candidates = _polish(program.neurons, program.outer, _NEAR, problem, goal, generator)
        best = _best([best, *candidates], problem, goal)
    best = _best([best, *_polish(*live_neurons(best, _LIVE), _WIDE, problem, goal, generator)], problem, goal)
    cost = float(best.balanced_cost[0])
    proof = prove(
        samples, targets, program, bound, cost, goal.gap,
        ProofBudget(goal.turns, goal.regions, goal.rounds), search, generator,
        lambda so_far: report("bound_proved", so_far.bound),
    )  # fmt: skip
    return CertifiedNetwork(best, _violation(best, problem), cost, bound, proof, passes)


def _best(networks: list[ReluNetwork], problem: Interpolation, goal: Goal) -> ReluNetwork:
    """The smallest of the networks that interpolate at almost the least cost, else the one of least violation."""
    violations = [_violation(network, problem) for network in networks]
    feasible = [network for network, v in zip(networks, violations, strict=True) if v <= goal.tolerance]
    if not feasible:
        return networks[min(range(len(violations)), key=violations.__getitem__)]
    least = min(float(network.balanced_cost[0]) for network in feasible)
    most = (1 + _CHEAP * goal.gap) * least
    cheap = [network for network in feasible if float(network.balanced_cost[0]) <= most]
    return min(cheap, key=lambda network: network.biases.shape[-1])


def _polish(
    neurons: Neurons,
    outer: Tensor,
    radius: float,
    problem: Interpolation,
    goal: Goal,
    generator: torch.Generator,
) -> list[ReluNetwork]:
    """The network of a dictionary with merged neighbours, trained further in float64; empty without neurons."""
    if not len(neurons):
        return []
    start = build_network(*merge_neighbours(neurons, outer, radius), problem.inputs[0], problem.targets[0])
    descent = Descent(goal.polish, _RATE, dtype=torch.float64)
    state = TrainingState.of(start, descent, generator, problem.samples.device)
    width = start.biases.shape[-1]
    # it takes seconds, so it saves no checkpoint
    training = SparseTraining(problem, descent, _POLISH, goal.working, width, lambda *_: None, lambda *_: None)
    training.train(state, searched=True)
    return [state.weights.network()]


def _violation(network: ReluNetwork, problem: Interpolation) -> float:
    return float(violation(network(problem.inputs) - problem.targets).max)
