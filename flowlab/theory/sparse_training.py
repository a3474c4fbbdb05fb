"""Minimum-norm training on few samples and few neurons at a time: for data too large for full batches."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice

import torch
from attrs import evolve, field, frozen
from torch import Tensor

from flowlab.theory.descent import Descent, Weights, backward, optimizer_of, set_rate
from flowlab.theory.interpolation import Interpolation
from flowlab.theory.neuron_growth import balance, heaviest, keep, sprout
from flowlab.theory.relu_network import ReluNetwork
from flowlab.theory.training import Moment, Report, figures, observe
from flowlab.theory.working_set import hardest, minibatches, put, take

# Shares of the steps: the search for directions at the first penalty, each rise of the penalty, the rest.
_SEARCH, _RISE, _RISES = 0.3, 0.1, 2
# Learning rate of the search, as a share of that of a full-batch run. Afterwards as many neurons as these
# bear the whole rate, and more of them so much less: neurons that move together overshoot.
_SEARCH_RATE, _CALM = 0.3, 50
_SEEDS = 0.1  # neurons below this share of the largest after the search are noise
_DEAD = 0.01  # neurons below this share of the largest are dropped as training goes
_BETWEEN = 250  # steps between looks at all samples
# The method of multipliers starts below the penalty that the rise ended at, and ends above it.
_SLACK, _TIGHT = 0.05, 5.0
_HELD = 0.5  # share of its steps that the penalty is held at its least


@frozen
class Multipliers:
    """The schedule of the method of multipliers: penalties per training point, and the share of each update."""

    first: float
    last: float
    rate: float


@frozen
class SparseTraining:
    """The minimum-norm interpolation by three stages, each on a part of the samples and neurons.

    1. Search: stochastic steps at the first penalty, a batch of working / 4 samples a point. All
       but the neurons of directions that the data ask for die.
    2. Rise: the penalty grows to the last; before each growth every neuron sprouts one where the
       residual asks for it (`sprout`). The cost comes up from below, so that no neuron grows that isn't needed.
    3. Multipliers: an augmented Lagrangian on the `working` samples of each point and level that pull
       hardest, |z_i + mu r_i|, chosen anew now and then among all; dead neurons are dropped on the way.

    A level that lacks a neuron when the third stage begins seldom grows it there: its violation stays large,
    for the caller to report. Raises Diverged. Multipliers outside the last working set are zero.
    """

    problem: Interpolation
    descent: Descent
    schedule: Multipliers
    working: int
    generator: torch.Generator
    report: Report
    moments: list[Moment] = field(factory=list, init=False)

    def train(
        self, start: ReluNetwork, device: torch.device, searched: bool = False
    ) -> tuple[ReluNetwork, Tensor]:
        """The bank, of at most the start's width, and its multipliers z (L, N * M, d); see Fit.

        `searched`: the start has the directions already, so only the third stage runs.
        """
        torch.set_flush_denormal(True)
        weights = Weights.of(start, self.descent.dtype, device)
        steps = self.descent.steps
        search, rise = (0, 0) if searched else (int(_SEARCH * steps), int(_RISE * steps))
        first, last = self.schedule.first, self.schedule.last
        if not searched:
            self._stochastic(weights, search, 0, _SEARCH_RATE, first)
            for k in range(_RISES):
                self._cut(weights, _SEEDS if k == 0 else _DEAD, start.inner.shape[1] // 2)
                inputs, targets = self._all(weights)
                weights = sprout(weights, inputs, weights.residual(inputs, targets))
                penalty = first * (last / first) ** ((k + 1) / _RISES)
                self._stochastic(weights, rise, search + k * rise, _share(weights), penalty)
            self._cut(weights, _DEAD)
        multipliers = self._multipliers(weights, search + _RISES * rise)
        balance(weights)
        return weights.network(), multipliers

    def _stochastic(self, weights: Weights, steps: int, before: int, rate: float, penalty: float) -> None:
        """Steps of the penalty method on batches of samples; the learning rate falls to zero within them."""
        points = self.problem.points
        samples = self.problem.samples.to(weights.inner)
        count = min(samples.shape[2], max(1, self.working // 4))
        targets = points[:, None].expand(-1, count, -1).flatten(0, 1)[None].to(weights.inner)
        stage = evolve(self.descent, steps=steps, learning_rate=rate * self.descent.learning_rate)
        optimizer = optimizer_of(stage, weights)
        batches = minibatches(samples, count, self.generator)
        for step, inputs in enumerate(islice(batches, steps)):
            if step % _BETWEEN == 0:
                self._cut(weights, _DEAD, optimizer=optimizer)
                self._look(weights, before + step, penalty)
            set_rate(optimizer, stage.rate(step))
            backward(weights, inputs, targets, lambda residual: residual, count / penalty)
            optimizer.step()

    def _multipliers(self, weights: Weights, before: int) -> Tensor:
        """Steps of the method of multipliers on the hardest samples, and the multipliers (L, N * M, d)."""
        inputs, targets = self._all(weights)
        points, total = len(self.problem.points), inputs.shape[1]
        count = min(total // points, self.working)
        steps = max(1, self.descent.steps - before)
        stage = evolve(self.descent, steps=steps, learning_rate=_share(weights) * self.descent.learning_rate)
        optimizer = optimizer_of(stage, weights)
        low, high = _SLACK * self.schedule.last, _TIGHT * self.schedule.last
        held = int(_HELD * steps)
        growth = (high / low) ** (1 / (steps - held))
        multipliers = torch.zeros_like(inputs)  # in units of mu, as the loss is
        penalty = low
        for begin in range(0, steps, _BETWEEN):
            self._cut(weights, _DEAD, optimizer=optimizer)
            force = multipliers + self._look(weights, before + begin, penalty)
            chosen = hardest(force, points, count)
            near, there, z = take(inputs, chosen), take(targets, chosen), take(multipliers, chosen)
            for step in range(begin, min(begin + _BETWEEN, steps)):
                set_rate(optimizer, stage.rate(step))
                backward(weights, near, there, _updating(z, self.schedule.rate), count / penalty)
                optimizer.step()
                if step >= held:
                    penalty *= growth
                    z /= growth
            multipliers = put(z, chosen, total)
        self._look(weights, self.descent.steps - 1, penalty)
        return -(penalty / count) * multipliers

    def _all(self, weights: Weights) -> tuple[Tensor, Tensor]:
        return self.problem.inputs.to(weights.inner), self.problem.targets.to(weights.inner)

    def _cut(
        self,
        weights: Weights,
        share: float,
        most: int | None = None,
        optimizer: torch.optim.Optimizer | None = None,
    ) -> None:
        chosen = heaviest(weights, share, most)
        if chosen is not None:
            keep(weights, chosen, optimizer)

    def _look(self, weights: Weights, step: int, penalty: float) -> Tensor:
        """Look at all samples: the residual (L, N * M, d), and a moment of the history."""
        residual = weights.residual(*self._all(weights))
        self.report(step + 1, self.descent.steps, figures(observe(self.moments, step, residual, weights, penalty)))
        return residual


def _share(weights: Weights) -> float:
    """The share of the learning rate that a bank of its width bears."""
    return min(1.0, _CALM / weights.inner.shape[1])


def _updating(multipliers: Tensor, rate: float) -> Callable[[Tensor], Tensor]:
    """The force z + r of a residual; each call adds a share of r to z."""

    def force(residual: Tensor) -> Tensor:
        error = multipliers + residual
        multipliers.add_(residual, alpha=rate)
        return error

    return force
