"""Training of a bank of shallow ReLU networks, all levels as one batch of tensors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

import torch
from attrs import frozen
from torch import Tensor

from flowlab.theory.descent import Descent, Weights, backward, optimizer_of, set_rate
from flowlab.theory.interpolation import Interpolation
from flowlab.theory.relu_network import ReluNetwork

Report = Callable[[int, int, Mapping[str, float]], None]


@frozen
class Moment:
    """What is seen of training at one step: per-level figures (L,) and the penalty."""

    step: int
    violation: Tensor
    cost: Tensor
    penalty: float


@frozen
class Loss:
    """A loss of the residual and the weights, by its gradients.

    With residual r = h(y) - x (L, Q, d), `force(step, r)` is dLoss/dr (L, Q, d); `pull(step)` times the
    gradient of the representation cost C is added to it. `penalty(step)` is what the history shows.
    """

    force: Callable[[int, Tensor], Tensor]
    pull: Callable[[int], float]
    penalty: Callable[[int], float]


class Diverged(ArithmeticError):
    """Training whose residual stopped being finite, at `level` of the bank."""

    def __init__(self, words: str, level: int) -> None:
        super().__init__(words)
        self.level = level


def observe(moments: list[Moment], step: int, residual: Tensor, weights: Weights, penalty: float) -> Moment:
    """Append what is seen at a step. Raises Diverged with the step, the level and its last finite violation."""
    violation, cost = residual.abs().amax((1, 2)).cpu(), weights.network().cost.cpu()
    lost = ~torch.isfinite(violation)
    if bool(lost.any()):
        level = int(lost.nonzero()[0, 0])
        finite = f"{moments[-1].violation[level]:.3g}" if moments else "none"
        raise Diverged(f"the loss is not finite at step {step} (last finite violation: {finite})", level)
    moments.append(Moment(step, violation, cost, penalty))
    return moments[-1]


def figures(moment: Moment) -> dict[str, float]:
    """What a progress line shows of a moment: the worst level's violation and cost."""
    return {"violation": moment.violation.max().item(), "cost": moment.cost.max().item()}


def train(
    start: ReluNetwork,
    problem: Interpolation,
    descent: Descent,
    loss: Loss,
    dropout: float,
    generator: torch.Generator,
    device: torch.device,
    report: Report,
) -> tuple[ReluNetwork, list[Moment]]:
    """Minimise a loss over all levels at once; return the bank and at most 201 moments of its history.

    What is seen of a moment is its batch, where the descent goes by batches. Raises Diverged with the step, the
    level and the last finite violation.
    """
    # the weights of dead neurons decay to denormal numbers, each of which costs a hundred ordinary ones
    torch.set_flush_denormal(True)
    moments: list[Moment] = []
    every = max(1, descent.steps // 200)
    weights = Weights.of(start, descent.dtype, device)
    for step, residual in _descend(weights, problem, descent, loss, dropout, generator):
        if step % every == 0 or step == descent.steps - 1:
            moment = observe(moments, step, residual, weights, loss.penalty(step))
            report(step + 1, descent.steps, figures(moment))
    return weights.network(), moments


def _descend(
    weights: Weights,
    problem: Interpolation,
    descent: Descent,
    loss: Loss,
    dropout: float,
    generator: torch.Generator,
) -> Iterator[tuple[int, Tensor]]:
    """Yield (step, residual before it), changing the weights in place.

    Neurons are dropped with probability `dropout`, afresh each step and level, scaled by 1 / (1 - p).
    """
    problem = problem.to(weights.inner)
    inputs, targets = problem.inputs, problem.targets
    optimizer = optimizer_of(descent, weights)
    shape = (len(inputs), 1, weights.inner.shape[1])
    for step in range(descent.steps):
        if descent.batch:
            batch = problem.batch(step, descent.batch)
            inputs, targets = batch.inputs, batch.targets
        scale = None
        if dropout:
            kept = torch.rand(shape, generator=generator).to(inputs) >= dropout
            scale = kept / (1 - dropout)
        set_rate(optimizer, descent.rate(step))
        residual = backward(weights, inputs, targets, partial(loss.force, step), loss.pull(step), scale)
        optimizer.step()
        yield step, residual


def history(moments: Sequence[Moment], sigma: Tensor) -> dict[str, list[float]]:
    """Columns of a training history: one row a moment and level."""
    names = ("step", "level", "sigma", "violation_max", "cost", "penalty")
    rows = [
        (
            float(m.step),
            float(level),
            value,
            float(m.violation[level]),
            float(m.cost[level]),
            m.penalty,
        )
        for m in moments
        for level, value in enumerate(sigma.tolist())
    ]
    return dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
