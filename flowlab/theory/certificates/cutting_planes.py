"""Multipliers that bound the cost of interpolation from below, by a growing set of neurons."""

from __future__ import annotations

from collections.abc import Callable

import torch
from attrs import evolve, frozen
from torch import Tensor

from flowlab.theory.certificates.certificate import BoundEstimate, Projection, Search, dual_estimate
from flowlab.theory.certificates.neuron_search import distinct
from flowlab.theory.geometry.frame import standard_frame
from flowlab.theory.networks.neurons import Neurons
from flowlab.theory.solvers.group_lasso import group_lasso

_SMOOTHING = 0.03  # share of the cost that the proximal term may hide in the first round
_ADDED = 100  # neurons added in a round
_APART = 0.1  # least distance of two neurons added in one round
_PATIENCE = 3  # rounds that a neuron without weight stays
_STALLED = 4  # rounds without a better bound after which the multipliers begin anew, from zero
_LASSO_STEPS = 2_000


@frozen
class Program:
    """The interpolation problem restricted to a dictionary of neurons, solved about the last multipliers.

    `outer` (J, d) are the dictionary's outer weights, `cost` = sum_j |a_j|, and `residual` the largest
    |h(y_i) - x_i| of that network with its best V and c: zero in the limit of many rounds.
    """

    neurons: Neurons
    outer: Tensor
    cost: float
    residual: float


@frozen
class Certificate:
    """The best estimate of a bound, the program of the last round, and the rounds it took.

    `met`: the estimate meets the restricted program's own cost to within the gap asked for.
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
    """Multipliers for samples (Q, d) with targets (Q, d) whose estimate is (1 - gap) `cost`, or meets the program.

    A round solves the dual restricted to a dictionary, max sum_i z_i . x_i - eps/2 |z - z'|^2 subject to
    |F(w_j, b_j)| <= 1, about the last round's z', and adds the neurons that z demands too much. The proximal term
    picks the smoothest of the many solutions: without it the multipliers are wild and the neurons to be cut off
    endless. Its own dual is a group lasso over the dictionary. `hints` open the dictionary, `cost` is a known
    network's, `multipliers` the first z'. Nearest published: cutting planes over neurons, arXiv 2002.11219.
    """
    place = standard_frame(samples)
    if multipliers is not None:
        multipliers = multipliers * place.scale

    def outside(found: Certificate) -> Certificate:
        program = evolve(
            found.program,
            neurons=place.neurons_outside(found.program.neurons),
            residual=found.program.residual * place.scale,
        )
        return evolve(
            found, bound=evolve(found.bound, multipliers=found.bound.multipliers / place.scale), program=program
        )

    found = _centred(
        place.inside(samples), place.inside(targets), place.neurons_inside(hints),
        cost, gap, rounds, search, generator, multipliers,
        lambda turn, so_far: report(turn, outside(so_far)),
    )  # fmt: skip
    return outside(found)


def _centred(
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
    """`cutting_planes` in standard coordinates."""
    project = Projection(samples)
    wanted = project(targets)
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
            # rough multipliers stay rough: each correction is the smallest, and the next neuron to cut off is near
            stalled, center = 0, torch.zeros_like(targets)
            strength = _first_strength(features, wanted, cost)
        goal = wanted + strength * center
        slack = min(0.3 * gap, 2e-3)
        outer = group_lasso(features.mT @ features, features.mT @ goal, strength, outer, slack, _LASSO_STEPS)
        fitted = features @ outer
        center = project((goal - fitted) / strength)
        found, demand = search(center, samples, neurons + pool, generator)
        bound = dual_estimate(center, targets, demand)
        better = best is None or bound.value > best.value
        best = bound if best is None or better else best
        size = outer.norm(dim=-1)
        program = Program(
            neurons[size > 0], outer[size > 0], float(size.sum()), float((wanted - fitted).abs().max())
        )  # fmt: skip
        small = program.residual <= gap * float(wanted.abs().max())
        if turn == rounds or best.value >= (1 - gap) * (min(cost, program.cost) if small else cost):
            # the last word has a search that did not choose the neurons
            none = Neurons(samples[:0], samples[:0, 0])
            fresh, harder = search.harder(samples.shape[1])(best.multipliers, samples, none, generator)
            found = found + fresh
            if harder.value > best.demand.value:
                best = dual_estimate(best.multipliers, targets, harder)
        met = small and best.value >= (1 - gap) * program.cost
        certificate = Certificate(best, program, turn, met)
        stalled = 0 if better or best.value >= (1 - gap) * program.cost else stalled + 1
        report(turn, certificate)
        if met or best.value >= (1 - gap) * cost:
            break
        pull = found.demand(center, samples).norm(dim=-1)
        found, pull = found[pull.argsort(descending=True)], pull.sort(descending=True).values
        wild = torch.arange(len(found), device=pull.device)[pull > 1 + 0.1 * gap]
        fresh = found[distinct(found, wild, _APART, _ADDED)]
        held = (size > 0) | (neurons.demand(center, samples).norm(dim=-1) > 1 - 0.02)
        idle = torch.where(held, 0.0, idle + 1)
        kept = idle < _PATIENCE
        pool = found[: search.starts]
        neurons = neurons[kept] + fresh
        idle = torch.cat([idle[kept], idle.new_zeros(len(fresh))])
        outer = torch.cat([outer[kept], torch.zeros_like(fresh.weights)])
    return certificate


def _first_strength(features: Tensor, wanted: Tensor, cost: float) -> float:
    """eps such that the proximal term eps |z|^2 is a small share of the cost in the first round."""
    size = float(wanted.square().sum())
    if size == 0.0:
        return 1.0
    first = strength = _SMOOTHING * size / cost  # from |z| >= cost / |wanted|
    gram, target = features.mT @ features, features.mT @ wanted
    outer, before = torch.zeros_like(target), float("inf")
    while True:
        outer = group_lasso(gram, target, strength, outer, 1e-2, 200)
        squared = float((wanted - features @ outer).square().sum())
        if squared / strength <= 1.5 * _SMOOTHING * cost:
            return strength
        if squared > 0.7 * before:  # the dictionary does not interpolate
            return first
        strength, before = strength / 2, squared
