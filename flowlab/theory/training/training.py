"""Training of a bank of shallow ReLU networks, with all levels in one batch of tensors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import torch
from attrs import frozen
from torch import Tensor

from flowlab.theory.networks.interpolation import Interpolation
from flowlab.theory.training.denormals import denormals_flushed
from flowlab.theory.training.descent import Descent, backward, set_rate
from flowlab.theory.training.history import observe, progress_numbers
from flowlab.theory.training.training_state import Keep, TrainingState

Report = Callable[[int, int, Mapping[str, float]], None]


@frozen
class Loss:
    """A loss of the residual and the weights, given by its gradients.

    With the residual r = h(y) - x (L, Q, d), `residual_grad(step, r)` is dLoss/dr (L, Q, d). To this the gradient
    of the representation cost C is added, times `cost_weight(step)`. `penalty(step)` is the number in the history.
    """

    residual_grad: Callable[[int, Tensor], Tensor]
    cost_weight: Callable[[int], float]
    penalty: Callable[[int], float]


@denormals_flushed()
def train(
    state: TrainingState,
    problem: Interpolation,
    descent: Descent,
    loss: Loss,
    dropout: float,
    report: Report,
    keep: Keep,
) -> None:
    """Minimise a loss over all levels at once, from a state to its last step, with at most 201 history entries.

    Each neuron is dropped with probability p = `dropout`, drawn again for each step and level; the others are
    scaled by 1 / (1 - p). A history entry is of the step's batch if the descent has batches. `keep` is called
    after every step. Raises Diverged with the step, the level and the last finite violation.
    """
    every = max(1, descent.steps // 200)
    weights = state.weights
    problem = problem.to(weights.inner)
    inputs, targets = problem.inputs, problem.targets
    shape = (len(inputs), 1, weights.inner.shape[1])
    for step in range(state.step, descent.steps):
        if descent.batch:
            batch = problem.batch(step, descent.batch)
            inputs, targets = batch.inputs, batch.targets
        scale = None
        if dropout:
            kept = torch.rand(shape, generator=state.generator).to(inputs) >= dropout
            scale = kept / (1 - dropout)
        set_rate(state.optimizer, descent.rate(step))
        residual = backward(
            weights, inputs, targets, partial(loss.residual_grad, step), loss.cost_weight(step), scale
        )
        state.optimizer.step()
        if step % every == 0 or step == descent.steps - 1:
            entry = observe(state.history, step, residual, weights, loss.penalty(step))
            report(step + 1, descent.steps, progress_numbers(entry))
        state.step = step + 1
        keep(state.step, descent.steps, state.tensors)
