"""Minimum-norm training on few samples and few neurons at a time: for data too large for full batches."""

from __future__ import annotations

from collections.abc import Callable

from attrs import evolve, frozen
from torch import Tensor

from flowlab.theory.networks.interpolation import Interpolation
from flowlab.theory.training.denormals import denormals_flushed
from flowlab.theory.training.descent import Descent, Weights, backward, optimizer_of, set_rate
from flowlab.theory.training.history import figures, observe
from flowlab.theory.training.neuron_growth import balance, heaviest, keep, sprout
from flowlab.theory.training.training import Report
from flowlab.theory.training.training_state import Keep, TrainingState
from flowlab.theory.training.working_set import Shuffle, hardest, put, take

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
    width: int  # most neurons
    report: Report
    keep: Keep  # called after every step

    @denormals_flushed()
    def train(self, state: TrainingState, searched: bool = False) -> Tensor:
        """Bring a state to its last step; the multipliers z (L, N * M, d), see Fit.

        `searched`: the start has the directions already, so only the third stage runs.
        """
        steps = self.descent.steps
        search, rise = (0, 0) if searched else (int(_SEARCH * steps), int(_RISE * steps))
        rest = search + _RISES * rise
        first, last = self.schedule.first, self.schedule.last
        # a state at the first step of a stage has yet to enter it, any other has entered
        if not searched:
            if state.step == 0:
                self._enter(state, _SEARCH_RATE)
            self._stochastic(state, 0, search, first)
            for k in range(_RISES):
                if state.step == search + k * rise:
                    self._grow(state, _SEEDS if k == 0 else _DEAD)
                    self._enter(state, _share(state.weights))
                penalty = first * (last / first) ** ((k + 1) / _RISES)
                self._stochastic(state, search + k * rise, rise, penalty)
        if state.step == rest:
            if not searched:
                self._cut(state, _DEAD)
            self._enter(state, _share(state.weights))
            state.penalty = _SLACK * last
        multipliers = self._multipliers(state, rest, max(1, steps - rest))
        balance(state.weights)
        return multipliers

    def _stochastic(self, state: TrainingState, begin: int, steps: int, penalty: float) -> None:
        """Steps of the penalty method on batches of samples; the learning rate falls to zero within them."""
        points = self.problem.points
        samples = self.problem.samples.to(state.weights.inner)
        count = min(samples.shape[2], max(1, self.working // 4))
        targets = points[:, None].expand(-1, count, -1).flatten(0, 1)[None].to(samples)
        stage = self._stage(state, steps)
        for step in range(state.step - begin, steps):
            if step % _BETWEEN == 0:
                self._cut(state, _DEAD)
                self._look(state, state.step, penalty)
            inputs = state.shuffle.batch(samples, count, state.generator)
            set_rate(state.optimizer, stage.rate(step))
            backward(state.weights, inputs, targets, lambda residual: residual, count / penalty)
            self._step(state)

    def _multipliers(self, state: TrainingState, begin: int, steps: int) -> Tensor:
        """Steps of the method of multipliers on the hardest samples, and the multipliers (L, N * M, d)."""
        inputs, targets = self._all(state)
        count = min(self.problem.samples.shape[2], self.working)
        held = int(_HELD * steps)
        low, high = _SLACK * self.schedule.last, _TIGHT * self.schedule.last
        growth = (high / low) ** (1 / (steps - held))
        stage = self._stage(state, steps)
        while state.step < begin + steps:
            done = state.step - begin
            if done % _BETWEEN == 0:
                self._choose(state, count)
            near, there = take(inputs, state.chosen), take(targets, state.chosen)
            for step in range(done, min(steps, done - done % _BETWEEN + _BETWEEN)):
                set_rate(state.optimizer, stage.rate(step))
                residual_grad = _updating(state.multipliers, self.schedule.rate)
                backward(state.weights, near, there, residual_grad, count / state.penalty)
                if step >= held:
                    state.penalty *= growth
                    state.multipliers /= growth
                self._step(state)
        self._look(state, self.descent.steps - 1, state.penalty)
        return -(state.penalty / count) * put(state.multipliers, state.chosen, inputs.shape[1])

    def _enter(self, state: TrainingState, rate: float) -> None:
        """Begin a stage at a share of the learning rate: nothing is remembered of the gradients and batches."""
        state.optimizer, state.shuffle, state.rate = optimizer_of(self.descent, state.weights), Shuffle(), rate

    def _stage(self, state: TrainingState, steps: int) -> Descent:
        return evolve(self.descent, steps=steps, learning_rate=state.rate * self.descent.learning_rate)

    def _step(self, state: TrainingState) -> None:
        """Move the weights by their gradients."""
        state.optimizer.step()
        state.step += 1
        self.keep(state.step, self.descent.steps, state.tensors)

    def _grow(self, state: TrainingState, share: float) -> None:
        """Let every neuron above a share of the largest sprout one, and drop the others."""
        self._cut(state, share, self.width // 2)
        inputs, targets = self._all(state)
        state.weights = sprout(state.weights, inputs, state.weights.residual(inputs, targets))

    def _cut(self, state: TrainingState, share: float, most: int | None = None) -> None:
        chosen = heaviest(state.weights, share, most)
        if chosen is not None:
            keep(state.weights, chosen, state.optimizer)

    def _choose(self, state: TrainingState, count: int) -> None:
        """Choose the samples that pull hardest, and drop dead neurons."""
        self._cut(state, _DEAD)
        residual = self._look(state, state.step, state.penalty)
        multipliers = put(state.multipliers, state.chosen, residual.shape[1])
        state.chosen = hardest(multipliers + residual, len(self.problem.points), count)
        state.multipliers = take(multipliers, state.chosen)

    def _all(self, state: TrainingState) -> tuple[Tensor, Tensor]:
        inner = state.weights.inner
        return self.problem.inputs.to(inner), self.problem.targets.to(inner)

    def _look(self, state: TrainingState, step: int, penalty: float) -> Tensor:
        """Look at all samples: the residual (L, N * M, d), and a moment of the history."""
        residual = state.weights.residual(*self._all(state))
        moment = observe(state.moments, step, residual, state.weights, penalty)
        self.report(step + 1, self.descent.steps, figures(moment))
        return residual


def _share(weights: Weights) -> float:
    """The share of the learning rate that a bank of its width bears."""
    return min(1.0, _CALM / weights.inner.shape[1])


def _updating(multipliers: Tensor, rate: float) -> Callable[[Tensor], Tensor]:
    """The force z + r of a residual; each call adds a share of r to z."""

    def residual_grad(residual: Tensor) -> Tensor:
        error = multipliers + residual
        multipliers.add_(residual, alpha=rate)
        return error

    return residual_grad
