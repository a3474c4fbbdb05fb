"""Full-batch training of a bank of shallow ReLU networks, all levels as one batch of tensors."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Literal

import torch
from attrs import frozen
from torch import Tensor

from flowlab.theory.interpolation import Interpolation
from flowlab.theory.relu_network import ReluNetwork

Inner = Literal["adam", "nadam", "radam"]
Decay = Literal["cosine", "linear", "constant"]


@frozen
class Descent:
    """The inner optimizer: `steps` full-batch steps of `inner` at a decaying learning rate.

    `decoupled_decay` shrinks the weights by learning rate times it at each step, apart from the gradient
    (b, V and c too where `decay_biases`).
    """

    steps: int
    learning_rate: float
    decay: Decay = "cosine"
    inner: Inner = "adam"
    dtype: torch.dtype = torch.float32
    decoupled_decay: float = 0.0
    decay_biases: bool = False

    def rate(self, step: int) -> float:
        """The learning rate at a step."""
        left = 1 - step / self.steps
        shape = {"constant": 1.0, "linear": left, "cosine": 0.5 * (1 - math.cos(math.pi * left))}
        return self.learning_rate * shape[self.decay]


@frozen
class Moment:
    """What is seen of training at one step: per-level figures (L,) and the penalty."""

    step: int
    violation: Tensor
    cost: Tensor
    penalty: float


@frozen
class Weights:
    """The leaf tensors of a bank, in layouts that suit batched products."""

    inner: Tensor
    biases: Tensor
    outer: Tensor
    skip: Tensor
    offset: Tensor

    @classmethod
    def of(cls, network: ReluNetwork, dtype: torch.dtype, device: torch.device) -> Weights:
        parts = (
            network.inner,
            network.biases[:, None],
            network.outer,
            network.skip.mT,
            network.offset[:, None],
        )
        leaves = [part.detach().to(device, dtype).clone().contiguous() for part in parts]
        return cls(*(leaf.requires_grad_() for leaf in leaves))

    def network(self) -> ReluNetwork:
        """The bank in the theory's layout."""
        return ReluNetwork(
            outer=self.outer.detach(), inner=self.inner.detach(), biases=self.biases.detach()[:, 0],
            skip=self.skip.detach().mT, offset=self.offset.detach()[:, 0],
        )  # fmt: skip


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
    """Training whose residual stopped being finite."""


def train(
    start: ReluNetwork,
    problem: Interpolation,
    descent: Descent,
    loss: Loss,
    dropout: float,
    generator: torch.Generator,
    device: torch.device,
    report: Callable[[int, int, Mapping[str, float]], None],
) -> tuple[ReluNetwork, list[Moment]]:
    """Minimise a loss over all levels at once; return the bank and at most 201 moments of its history.

    Raises Diverged with the step and the last finite violation.
    """
    # the weights of dead neurons decay to denormal numbers, each of which costs a hundred ordinary ones
    torch.set_flush_denormal(True)
    moments: list[Moment] = []
    every = max(1, descent.steps // 200)
    for step, residual, weights in _descend(start, problem, descent, loss, dropout, generator, device):
        if step % every and step != descent.steps - 1:
            continue
        violation, cost = residual.abs().amax((1, 2)).cpu(), weights.network().cost.cpu()
        if not bool(torch.isfinite(violation).all()):
            finite = f"{moments[-1].violation.max():.3g}" if moments else "none"
            raise Diverged(f"the loss is not finite at step {step} (last finite violation: {finite})")
        moments.append(Moment(step, violation, cost, loss.penalty(step)))
        report(step + 1, descent.steps, {"violation": violation.max().item(), "cost": cost.max().item()})
    return weights.network(), moments


def _descend(
    start: ReluNetwork,
    problem: Interpolation,
    descent: Descent,
    loss: Loss,
    dropout: float,
    generator: torch.Generator,
    device: torch.device,
) -> Iterator[tuple[int, Tensor, Weights]]:
    """Yield (step, residual before it, weights after it); gradients by hand, half the time of autograd.

    Neurons are dropped with probability `dropout`, afresh each step and level, scaled by 1 / (1 - p).
    """
    weights = Weights.of(start, descent.dtype, device)
    inputs = problem.inputs.to(device, descent.dtype)
    targets = problem.targets.to(device, descent.dtype)
    optimizer = _optimizer(descent, weights)
    for step in range(descent.steps):
        for group in optimizer.param_groups:
            group["lr"] = descent.rate(step)
        with torch.no_grad():
            hidden = torch.baddbmm(weights.biases, inputs, weights.inner.mT).relu_()
            active = hidden > 0
            if dropout:
                shape = (hidden.shape[0], 1, hidden.shape[2])
                kept = torch.rand(shape, generator=generator).to(hidden) >= dropout
                scale = kept / (1 - dropout)
                hidden *= scale
            residual = torch.bmm(hidden, weights.outer)
            residual += torch.baddbmm(weights.offset, inputs, weights.skip)
            residual -= targets
            error = loss.force(step, residual)
            back = torch.bmm(error, weights.outer.mT)
            back *= active
            if dropout:
                back *= scale
            strength = loss.pull(step)
            weights.outer.grad = torch.bmm(hidden.mT, error).add_(weights.outer, alpha=strength)
            weights.inner.grad = torch.bmm(back.mT, inputs).add_(weights.inner, alpha=strength)
            weights.biases.grad = back.sum(1, keepdim=True)
            weights.skip.grad = torch.bmm(inputs.mT, error)
            weights.offset.grad = error.sum(1, keepdim=True)
        optimizer.step()
        yield step, residual, weights


def _optimizer(descent: Descent, weights: Weights) -> torch.optim.Optimizer:
    rest = descent.decoupled_decay if descent.decay_biases else 0.0
    groups = [
        {"params": [weights.inner, weights.outer], "weight_decay": descent.decoupled_decay},
        {"params": [weights.biases, weights.skip, weights.offset], "weight_decay": rest},
    ]
    match descent.inner:
        case "nadam":
            return torch.optim.NAdam(groups, lr=descent.learning_rate, decoupled_weight_decay=True)
        case "radam":
            return torch.optim.RAdam(groups, lr=descent.learning_rate, decoupled_weight_decay=True)
        case _:
            return torch.optim.AdamW(groups, lr=descent.learning_rate, fused=True)


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
