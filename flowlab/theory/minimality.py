"""Is this network minimum-norm? The certificate of one network, in figures."""

from __future__ import annotations

from collections.abc import Callable

import torch
from attrs import frozen
from torch import Tensor

from flowlab.theory.certificate import Search, multiplier_bound
from flowlab.theory.cutting_planes import Certificate, cutting_planes
from flowlab.theory.interpolation import Interpolation
from flowlab.theory.pruning import alive
from flowlab.theory.relu_network import ReluNetwork, from_slabs
from flowlab.theory.slab_solution import slab_solution


@frozen
class Verdict:
    """A network's cost beside what the minimum can be.

    `gap` = 1 - bound / cost, nan for a network that does not interpolate. `bound_multipliers` is what the
    multipliers of training give by themselves. `word`: "minimal" (gap within the one asked for), "not minimal"
    (the minimum is known and lower), "not interpolating" or "open".
    """

    word: str
    violation: float
    cost: float
    slab_cost: float
    bound: float
    bound_multipliers: float | None
    gap: float
    certificate: Certificate


def judge(
    network: ReluNetwork,
    problem: Interpolation,
    pattern: Tensor | None,
    multipliers: Tensor | None,
    tolerance: float,
    gap: float,
    rounds: int,
    search: Search,
    generator: torch.Generator,
    report: Callable[[int, Certificate], None] = lambda _, __: None,
) -> Verdict:
    """Judge one level: a bank, problem and multipliers (1, Q, d) of L = 1, and the geometry's slab pattern."""
    samples, targets = problem.inputs[0], problem.targets[0]
    violation = float((network(problem.inputs)[0] - targets).abs().max())
    cost = float(network.balanced_cost[0])
    slabs, usable = slab_solution(problem.samples, problem.points, pattern)
    slab_cost = float(slabs.cost[0]) if usable[0] else float("nan")
    hints, _ = alive(network)
    if usable[0]:
        hints = hints + alive(from_slabs(slabs))[0]
    least = slab_cost if usable[0] else cost
    if violation <= tolerance:
        least = min(least, cost)
    found = cutting_planes(samples, targets, hints, least, gap, rounds, search, generator, report=report)
    trained = None
    if multipliers is not None:
        trained = multiplier_bound(multipliers[0], samples, targets, hints, search, generator).value
    bound = max(found.bound.value, trained or 0.0)
    excess = 1 - bound / cost if cost > 0 else 0.0
    if violation > tolerance:
        word, excess = "not interpolating", float("nan")
    elif excess <= gap:
        word = "minimal"
    else:
        word = "not minimal" if found.settled or cost > slab_cost * (1 + gap) else "open"
    return Verdict(word, violation, cost, slab_cost, bound, trained, excess, found)
