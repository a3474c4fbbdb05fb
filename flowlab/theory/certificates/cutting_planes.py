"""Multipliers that estimate a lower bound on the cost of interpolation, by cutting planes over neurons."""

from __future__ import annotations

from collections.abc import Callable

import torch
from attrs import evolve, frozen
from torch import Tensor

from flowlab.theory.certificates.certificate import BoundEstimate, Projection, Search, dual_estimate
from flowlab.theory.certificates.neuron_search import select_distinct
from flowlab.theory.geometry.frame import standard_frame
from flowlab.theory.networks.neurons import Neurons
from flowlab.theory.solvers.group_lasso import group_lasso

_SMOOTHING = 0.03  # size of the proximal term in the first round, as a share of the cost
_ADDED = 100  # neurons added in a round
_APART = 0.1  # least distance of two neurons added in one round
_PATIENCE = 3  # rounds that a neuron without weight stays
_STALLED = 4  # rounds without a better bound after which the multipliers restart at zero
_LASSO_STEPS = 2_000


@frozen
class Program:
    """The interpolation problem restricted to a dictionary of neurons, solved with a proximal term.

    outer a (J, d) are the outer weights of the dictionary, `cost` is sum_j |a_j|. `residual` is the largest
    |h(y_i) - x_i| of that network with its best V and c; it goes to zero with the number of rounds.
    """

    neurons: Neurons
    outer: Tensor
    cost: float
    residual: float


@frozen
class Certificate:
    """The best estimate of a bound, the program of the last round, and the number of rounds.

    `met` says that the estimate equals the cost of the restricted program to within the requested gap.
    """

    bound: BoundEstimate
    program: Program
    rounds: int
    met: bool


def cutting_planes(
    samples: Tensor,
    targets: Tensor,
    hints: Neurons,
    cost: float,
    gap: float,
    rounds: int,
    search: Search,
    generator: torch.Generator,
    multipliers: Tensor | None = None,
    report: Callable[[int, Certificate], None] = lambda _, __: None,
) -> Certificate:
    """Multipliers for samples (Q, d) with targets (Q, d), until their estimate is (1 - gap) `cost` or is met.

    It is met where the program's own cost is within the gap of it. A round solves the dual restricted to a
    dictionary, max sum_i z_i . x_i - eps/2 |z - z'|^2 subject to |F(w_j, b_j)| <= 1, with z' from the last round.
    It then adds the neurons whose demand |F| by z is above 1. The proximal term selects the smoothest of many
    solutions: without it z oscillates, and new neurons never end. The dual of this problem is a group lasso over
    the dictionary. `hints` are the first neurons, `cost` is that of a known network, and multipliers (Q, d) are
    the first z'. Raises ArithmeticError where the multipliers are not finite. Nearest published: cutting planes
    over neurons, Ergen and Pilanci, arXiv 2002.11219.
    """
    frame = standard_frame(samples)
    if multipliers is not None:
        multipliers = multipliers * frame.scale

    def outside(certificate: Certificate) -> Certificate:
        program, bound = certificate.program, certificate.bound
        program = evolve(
            program, neurons=frame.neurons_outside(program.neurons), residual=program.residual * frame.scale
        )
        bound = evolve(bound, multipliers=bound.multipliers / frame.scale)
        return evolve(certificate, bound=bound, program=program)

    certificate = _standard_cutting_planes(
        frame.inside(samples), frame.inside(targets), frame.neurons_inside(hints),
        cost, gap, rounds, search, generator, multipliers,
        lambda turn, so_far: report(turn, outside(so_far)),
    )  # fmt: skip
    return outside(certificate)


def _standard_cutting_planes(
    samples: Tensor,
    targets: Tensor,
    hints: Neurons,
    cost: float,
    gap: float,
    rounds: int,
    search: Search,
    generator: torch.Generator,
    multipliers: Tensor | None,
    report: Callable[[int, Certificate], None],
) -> Certificate:
    """`cutting_planes` in the coordinates of `standard_frame`."""
    project = Projection(samples)
    wanted = project(targets)  # what the neurons have to produce, as V and c cannot
    if wanted.norm() <= 1e-12 * targets.norm():  # an affine function interpolates, at no cost
        wanted = torch.zeros_like(wanted)
    center = torch.zeros_like(targets) if multipliers is None else project(multipliers)
    neurons, pool, outer = hints, hints, torch.zeros_like(hints.weights)
    idle = torch.zeros(len(hints), device=samples.device)
    strength = _first_strength(project(neurons(samples)), wanted, cost)
    best: BoundEstimate | None = None
    stalled = 0
    for turn in range(1, rounds + 1):
        features = project(neurons(samples))
        if stalled == _STALLED:
            # multipliers that oscillate go on to do so: corrections are the least possible; so restart at zero
            stalled, center = 0, torch.zeros_like(targets)
            strength = _first_strength(features, wanted, cost)
        goal = wanted + strength * center
        slack = min(0.3 * gap, 2e-3)
        outer = group_lasso(features.mT @ features, features.mT @ goal, strength, outer, slack, _LASSO_STEPS)
        fitted = features @ outer
        center = project((goal - fitted) / strength)
        maxima, demand = search(center, samples, neurons + pool, generator)
        bound = dual_estimate(center, targets, demand)
        better = best is None or bound.value > best.value
        best = bound if best is None or better else best
        size = outer.norm(dim=-1)
        program = Program(
            neurons[size > 0], outer[size > 0], float(size.sum()), float((wanted - fitted).abs().max())
        )  # fmt: skip
        small = program.residual <= gap * float(wanted.abs().max())
        if turn == rounds or best.value >= (1 - gap) * (min(cost, program.cost) if small else cost):
            # the final check is a harder search that does not start from the dictionary
            none = Neurons(samples[:0], samples[:0, 0])
            more, harder = search.harder(samples.shape[1])(best.multipliers, samples, none, generator)
            maxima = maxima + more
            if harder.value > best.demand.value:
                best = dual_estimate(best.multipliers, targets, harder)
        met = small and best.value >= (1 - gap) * program.cost
        certificate = Certificate(best, program, turn, met)
        stalled = 0 if better or best.value >= (1 - gap) * program.cost else stalled + 1
        report(turn, certificate)
        if met or best.value >= (1 - gap) * cost:
            break
        sizes = maxima.demand(center, samples).norm(dim=-1)
        maxima, sizes = maxima[sizes.argsort(descending=True)], sizes.sort(descending=True).values
        violated = torch.arange(len(maxima), device=sizes.device)[sizes > 1 + 0.1 * gap]
        added = maxima[select_distinct(maxima, violated, _APART, _ADDED)]
        active = (size > 0) | (neurons.demand(center, samples).norm(dim=-1) > 1 - 0.02)
        idle = torch.where(active, 0.0, idle + 1)
        kept = idle < _PATIENCE
        pool = maxima[: search.starts]
        neurons = neurons[kept] + added
        idle = torch.cat([idle[kept], idle.new_zeros(len(added))])
        outer = torch.cat([outer[kept], torch.zeros_like(added.weights)])
    return certificate


def _first_strength(features: Tensor, wanted: Tensor, cost: float) -> float:
    """The eps at which the proximal term eps |z|^2 of the first round is a small share of the cost."""
    size = float(wanted.square().sum())
    if size == 0.0:
        return 1.0
    first = strength = _SMOOTHING * size / cost  # from |z| >= cost / |wanted|
    gram, target = features.mT @ features, features.mT @ wanted
    outer, previous = torch.zeros_like(target), float("inf")
    while True:
        outer = group_lasso(gram, target, strength, outer, 1e-2, 200)
        squared = float((wanted - features @ outer).square().sum())
        if squared / strength <= 1.5 * _SMOOTHING * cost:
            return strength
        if squared > 0.7 * previous:  # the dictionary does not interpolate
            return first
        strength, previous = strength / 2, squared
