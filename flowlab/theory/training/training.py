"""Training of a bank of shallow ReLU networks, all levels as one batch of tensors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import torch
from attrs import frozen
from torch import Tensor

from flowlab.theory.networks.interpolation import Interpolation
from flowlab.theory.training.denormals import denormals_flushed
from flowlab.theory.training.descent import Descent, backward, set_rate
from flowlab.theory.training.history import figures, observe
from flowlab.theory.training.training_state import Keep, TrainingState

Report = Callable[[int, int, Mapping[str, float]], None]


@frozen
class Loss:
    """A loss of the residual and the weights, by its gradients.

    With residual r = h(y) - x (L, Q, d), `residual_grad(step, r)` is dLoss/dr (L, Q, d); `cost_weight(step)`
    times the gradient of the representation cost C is added to it. `penalty(step)` is what the history shows.
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
    """Minimise a loss over all levels at once, from a state to its last step, with at most 201 moments in all.

    Neurons are dropped with probability `dropout`, afresh each step and level, scaled by 1 / (1 - p). What is seen
    of a moment is its batch, where the descent goes by batches. `keep` is called after every step. Raises Diverged
    with the step, the level and the last finite violation.
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
            moment = observe(state.moments, step, residual, weights, loss.penalty(step))
            report(step + 1, descent.steps, figures(moment))
        state.step = step + 1
        keep(state.step, descent.steps, state.tensors)
