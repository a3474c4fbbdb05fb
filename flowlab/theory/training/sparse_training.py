"""Minimum-norm training on few samples and few neurons at a time, for data too large for full batches."""

from __future__ import annotations

from collections.abc import Callable

from attrs import evolve, frozen
from torch import Tensor

from flowlab.theory.networks.interpolation import Interpolation
from flowlab.theory.training.denormals import denormals_flushed
from flowlab.theory.training.descent import Descent, Weights, backward, optimizer_of, set_rate
from flowlab.theory.training.history import observe, progress_numbers
from flowlab.theory.training.neuron_growth import balance, heaviest, keep, sprout
from flowlab.theory.training.training import Report
from flowlab.theory.training.training_state import Keep, TrainingState
from flowlab.theory.training.working_set import Shuffle, choose_working_set, put, take

# Shares of all steps: the search for directions at the first penalty, and each of two rises of the penalty.
_SEARCH, _RISE, _RISES = 0.3, 0.1, 2
# Learning rate of the search, as a share of that of a full-batch run. In later stages up to 50 neurons have the
# full rate; for more neurons it is lower in proportion, as neurons that move together overshoot.
_SEARCH_RATE, _FULL_RATE_WIDTH = 0.3, 50
_SEEDS = 0.1  # neurons below this share of the largest after the search are noise
_DEAD = 0.01  # neurons below this share of the largest are removed during training
_BETWEEN = 250  # steps between two evaluations of all samples
# The method of multipliers starts below the last penalty of the rise, and ends above it: shares of that penalty.
_SLACK, _TIGHT = 0.05, 5.0
_CONSTANT = 0.5  # share of its steps with a constant penalty, before it grows


@frozen
class Multipliers:
    """The schedule of the method of multipliers: its penalties per training point and its update rate."""

    first: float
    last: float
    rate: float


@frozen
class SparseTraining:
    """Minimum-norm interpolation in three stages, each on a part of the samples and neurons.

    1. Search: stochastic steps at the first penalty, on batches of working / 4 samples per point. Only neurons in
       directions that the data need survive.
    2. Rise: the penalty grows to the last one. Before each rise, every neuron gets a new one where the residual
       demands it (`sprout`). The cost approaches the minimum from below, so no unneeded neuron grows.
    3. Multipliers: an augmented Lagrangian on a working set, the `working` samples of each point and level with
    the
       largest |z_i + mu r_i|. The set is chosen again from time to time, and dead neurons are removed.

    A level that lacks a neuron at the start of the third stage seldom grows it there. Its violation then stays
    large, and the caller has to report it. Multipliers outside the last working set are zero.
    Source of the third stage: Nocedal and Wright, Numerical Optimization, Algorithm 17.4.
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
        """Train a state to its last step, and return the multipliers z (L, N * M, d) of `Fit`.

        With `searched` the start has the right directions already, and only the third stage runs. Raises Diverged
        where the residual is not finite.
        """
        steps = self.descent.steps
        search, rise = (0, 0) if searched else (int(_SEARCH * steps), int(_RISE * steps))
        rest = search + _RISES * rise
        first, last = self.schedule.first, self.schedule.last
        # a state at the first step of a stage has not entered it yet; a state at any other step has
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
        """Take steps of the penalty method on batches of samples, at a learning rate that falls to zero."""
        points = self.problem.points
        samples = self.problem.samples.to(state.weights.inner)
        count = min(samples.shape[2], max(1, self.working // 4))
        targets = points[:, None].expand(-1, count, -1).flatten(0, 1)[None].to(samples)
        stage = self._stage(state, steps)
        for step in range(state.step - begin, steps):
            if step % _BETWEEN == 0:
                self._cut(state, _DEAD)
                self._observe(state, state.step, penalty)
            inputs = state.shuffle.batch(samples, count, state.generator)
            set_rate(state.optimizer, stage.rate(step))
            backward(state.weights, inputs, targets, lambda residual: residual, count / penalty)
            self._step(state)

    def _multipliers(self, state: TrainingState, begin: int, steps: int) -> Tensor:
        """Take steps of the method of multipliers on the working set; returns the multipliers (L, N * M, d)."""
        inputs, targets = self._all(state)
        count = min(self.problem.samples.shape[2], self.working)
        constant = int(_CONSTANT * steps)
        low, high = _SLACK * self.schedule.last, _TIGHT * self.schedule.last
        growth = (high / low) ** (1 / (steps - constant))
        stage = self._stage(state, steps)
        while state.step < begin + steps:
            done = state.step - begin
            if done % _BETWEEN == 0:
                self._choose(state, count)
            working_inputs, working_targets = take(inputs, state.chosen), take(targets, state.chosen)
            for step in range(done, min(steps, done - done % _BETWEEN + _BETWEEN)):
                set_rate(state.optimizer, stage.rate(step))
                residual_grad = _lagrangian_grad(state.multipliers, self.schedule.rate)
                backward(state.weights, working_inputs, working_targets, residual_grad, count / state.penalty)
                if step >= constant:
                    state.penalty *= growth
                    state.multipliers /= growth
                self._step(state)
        self._observe(state, self.descent.steps - 1, state.penalty)
        return -(state.penalty / count) * put(state.multipliers, state.chosen, inputs.shape[1])

    def _enter(self, state: TrainingState, rate: float) -> None:
        """Begin a stage at a share of the learning rate, with a new optimizer and a new order of the samples."""
        state.optimizer, state.shuffle, state.rate = optimizer_of(self.descent, state.weights), Shuffle(), rate

    def _stage(self, state: TrainingState, steps: int) -> Descent:
        return evolve(self.descent, steps=steps, learning_rate=state.rate * self.descent.learning_rate)

    def _step(self, state: TrainingState) -> None:
        """Update the weights by their gradients, and offer the state to the checkpoint."""
        state.optimizer.step()
        state.step += 1
        self.keep(state.step, self.descent.steps, state.tensors)

    def _grow(self, state: TrainingState, share: float) -> None:
        """Remove the neurons below a share of the largest, and add a new neuron for each of the others."""
        self._cut(state, share, self.width // 2)
        inputs, targets = self._all(state)
        state.weights = sprout(state.weights, inputs, state.weights.residual(inputs, targets))

    def _cut(self, state: TrainingState, share: float, most: int | None = None) -> None:
        chosen = heaviest(state.weights, share, most)
        if chosen is not None:
            keep(state.weights, chosen, state.optimizer)

    def _choose(self, state: TrainingState, count: int) -> None:
        """Choose the working set, and remove dead neurons."""
        self._cut(state, _DEAD)
        residual = self._observe(state, state.step, state.penalty)
        multipliers = put(state.multipliers, state.chosen, residual.shape[1])
        state.chosen = choose_working_set(multipliers + residual, len(self.problem.points), count)
        state.multipliers = take(multipliers, state.chosen)

    def _all(self, state: TrainingState) -> tuple[Tensor, Tensor]:
        inner = state.weights.inner
        return self.problem.inputs.to(inner), self.problem.targets.to(inner)

    def _observe(self, state: TrainingState, step: int, penalty: float) -> Tensor:
        """The residual of all samples (L, N * M, d); it is added to the history and reported."""
        residual = state.weights.residual(*self._all(state))
        entry = observe(state.history, step, residual, state.weights, penalty)
        self.report(step + 1, self.descent.steps, progress_numbers(entry))
        return residual


def _share(weights: Weights) -> float:
    """The share of the learning rate for a bank of this width."""
    return min(1.0, _FULL_RATE_WIDTH / weights.inner.shape[1])


def _lagrangian_grad(multipliers: Tensor, rate: float) -> Callable[[Tensor], Tensor]:
    """The gradient z + r of the augmented Lagrangian in a residual r; each call adds a share of r to z."""

    def residual_grad(residual: Tensor) -> Tensor:
        error = multipliers + residual
        multipliers.add_(residual, alpha=rate)
        return error

    return residual_grad
