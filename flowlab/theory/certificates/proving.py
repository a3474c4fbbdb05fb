"""Multipliers whose demand is easy to bound, and the bound on the cost of interpolation that they prove."""

from __future__ import annotations

from collections.abc import Callable

import torch
from attrs import frozen
from torch import Tensor

from flowlab.theory.certificates.certificate import BoundEstimate, Search
from flowlab.theory.certificates.cutting_planes import Program, cutting_planes
from flowlab.theory.certificates.neuron_search import best_biases, climb
from flowlab.theory.certificates.proof import Proof, proved_bound
from flowlab.theory.geometry.frame import standard_frame

_LIGHT = 1e-3  # share of the heaviest outer weight below which a neuron's kink selects no samples


@frozen
class ProofBudget:
    """The effort for a proof: turns with new multipliers, and regions of directions in all turns together."""

    turns: int = 8
    regions: int = 2_000_000
    rounds: int = 30


def prove(
    samples: Tensor,
    targets: Tensor,
    program: Program,
    estimate: BoundEstimate,
    cost: float,
    gap: float,
    budget: ProofBudget,
    search: Search,
    generator: torch.Generator,
    report: Callable[[Proof], None] = lambda _: None,
) -> Proof:
    """The best proved bound of samples (Q, d) with targets (Q, d), until it is (1 - gap) `cost`.

    On a line and in the plane it is that of the estimate's multipliers. Above, few multipliers are easier to
    bound: those of the samples next to the program's kinks. What interpolates all samples interpolates these, so a
    bound for them holds. The neurons that branch and bound finds to be demanded too much join the next turn.
    """
    best = proved_bound(
        estimate.multipliers, samples, targets, 1 + gap / 2, budget.regions if samples.shape[1] < 3 else 0
    )
    report(best)
    if samples.shape[1] < 3 or best.bound >= (1 - gap) * cost or not len(program.neurons):
        return best
    kept = near_kinks(samples, targets, program)
    y, x = samples[kept], targets[kept]
    frame = standard_frame(y)
    hints, multipliers, left = program.neurons, None, budget.regions
    for _ in range(budget.turns):
        certificate = cutting_planes(y, x, hints, cost, gap / 4, budget.rounds, search, generator, multipliers)
        multipliers = certificate.bound.multipliers
        threshold = max(1.0, certificate.bound.demand.value) * (1 + gap / 2)
        proof = proved_bound(multipliers, y, x, threshold, left)
        left -= proof.demand.regions
        best = max(best, proof, key=lambda candidate: candidate.bound)
        report(best)
        witnesses = proof.demand.neurons
        if best.bound >= (1 - gap) * cost or left <= 0 or not len(witnesses):
            break
        z = multipliers * frame.scale
        witnesses = witnesses + best_biases(z, frame.inside(y), climb(z, frame.inside(y), witnesses, search.steps))
        hints = certificate.program.neurons + frame.neurons_outside(witnesses)
    return best


def near_kinks(samples: Tensor, targets: Tensor, program: Program) -> Tensor:
    """Whether each sample is among the d nearest to a kink of all samples with its target: (Q,) bool.

    For samples (Q, d) with targets (Q, d) and the kinks of the program's neurons.
    """
    heavy = program.outer.norm(dim=-1)
    neurons = program.neurons[heavy > _LIGHT * heavy.max()]
    distance = (samples @ neurons.weights.mT + neurons.biases).abs()
    kept = torch.zeros(len(samples), dtype=torch.bool, device=samples.device)
    _, cluster = torch.unique(targets, dim=0, return_inverse=True)
    for index in cluster.unique():
        members = (cluster == index).nonzero()[:, 0]
        count = min(samples.shape[1], len(members))
        nearest = distance[members].topk(count, dim=0, largest=False).indices
        kept[members[nearest.flatten()]] = True
    return kept
