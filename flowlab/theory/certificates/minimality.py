"""Whether a network has minimum norm: its cost, and lower bounds on the least cost."""

from __future__ import annotations

from collections.abc import Callable

import torch
from attrs import frozen
from torch import Tensor

from flowlab.theory.certificates.certificate import Search, multiplier_estimate
from flowlab.theory.certificates.cutting_planes import Certificate, cutting_planes
from flowlab.theory.certificates.proof import Proof, gap_above
from flowlab.theory.certificates.proving import ProofBudget, prove
from flowlab.theory.convex_programs.slab_solution import slab_solution
from flowlab.theory.networks.interpolation import Interpolation
from flowlab.theory.networks.pruning import live_neurons
from flowlab.theory.networks.relu_network import ReluNetwork, from_slabs


@frozen
class Verdict:
    """The cost of a network, lower bounds on the least cost, and what follows from them.

    No network that interpolates exactly costs less than `bound_proved` = (1 - `gap_proved`) `cost`. The estimates
    rest on a search and may be too high. The gaps are nan for a network that does not interpolate.
    `multipliers_estimate` is the estimate from the multipliers of a training alone. `word` is "minimal" if the
    proved gap is at most the requested gap; "not minimal" if a network within the same violation is known that is
    cheaper by more than the gap; "estimated" if it is minimal by the estimate; else "not interpolating" or "open".
    """

    word: str
    violation: float
    cost: float
    slab_cost: float
    bound_estimate: float
    multipliers_estimate: float | None
    gap_estimate: float
    bound_proved: float
    gap_proved: float
    certificate: Certificate
    proof: Proof


def judge(
    network: ReluNetwork,
    problem: Interpolation,
    pattern: Tensor | None,
    multipliers: Tensor | None,
    tolerance: float,
    gap: float,
    budget: ProofBudget,
    search: Search,
    generator: torch.Generator,
    report: Callable[[str, float], None] = lambda _, __: None,
) -> Verdict:
    """Judge the network of one level: a bank and a problem of L = 1, with pattern (R, N) of the geometry's slabs.

    multipliers (1, Q, d) are those of a training, if known. Raises ArithmeticError where the network's or the
    training's numbers are not finite.
    """
    samples, targets = problem.inputs[0], problem.targets[0]
    violation = float((network(problem.inputs)[0] - targets).abs().max())
    cost = float(network.balanced_cost[0])
    slabs, usable = slab_solution(problem.samples, problem.points, pattern)
    slab_cost = float(slabs.cost[0]) if usable[0] else float("nan")
    hints, _ = live_neurons(network)
    if usable[0]:
        hints = hints + live_neurons(from_slabs(slabs))[0]
    least = slab_cost if usable[0] else cost
    if violation <= tolerance:
        least = min(least, cost)
    certificate = cutting_planes(
        samples, targets, hints, least, gap / 2, budget.rounds, search, generator,
        report=lambda _, so_far: report("bound_estimate", so_far.bound.value),
    )  # fmt: skip
    program, training_estimate = certificate.program, None
    if multipliers is not None:
        training_estimate = multiplier_estimate(multipliers[0], samples, targets, hints, search, generator).value
    proof = prove(
        samples, targets, program, certificate.bound, least, gap, budget, search, generator,
        lambda so_far: report("bound_proved", so_far.bound),
    )  # fmt: skip
    estimate = max(certificate.bound.value, proof.bound, training_estimate or 0.0)
    gaps = [gap_above(bound, network) for bound in (estimate, proof.bound)]
    cheapest_known = slab_cost if usable[0] else float("inf")
    if program.residual <= tolerance:
        cheapest_known = min(cheapest_known, program.cost)
    if violation > tolerance:
        word, gaps = "not interpolating", [float("nan")] * 2
    elif gaps[1] <= gap:
        word = "minimal"
    elif cost > cheapest_known * (1 + gap):
        word = "not minimal"
    else:
        word = "estimated" if gaps[0] <= gap else "open"
    return Verdict(
        word, violation, cost, slab_cost, estimate, training_estimate, gaps[0], proof.bound, gaps[1], certificate,
        proof,
    )  # fmt: skip
