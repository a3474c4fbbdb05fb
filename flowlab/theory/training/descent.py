"""One training step of a bank of shallow ReLU networks: leaf tensors, explicit gradients, inner optimizers."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import torch
from attrs import frozen
from torch import Tensor

from flowlab.theory.networks.relu_network import ReluNetwork

Inner = Literal["adam", "nadam", "radam"]
Decay = Literal["cosine", "linear", "constant"]


@frozen
class Descent:
    """The inner optimizer: `steps` steps of `inner` at a decaying learning rate.

    At each step, apart from the gradient, `decoupled_decay` times the learning rate is the share by which a and w
    shrink (b, V and c too with `decay_biases`). A step uses `batch` samples per point, or all of them.
    """

    steps: int
    learning_rate: float
    decay: Decay = "cosine"
    inner: Inner = "adam"
    dtype: torch.dtype = torch.float32
    decoupled_decay: float = 0.0
    decay_biases: bool = False
    batch: int | None = None

    def rate(self, step: int) -> float:
        """The learning rate at a step."""
        rest = 1 - step / self.steps
        shape = {"constant": 1.0, "linear": rest, "cosine": 0.5 * (1 - math.cos(math.pi * rest))}
        return self.learning_rate * shape[self.decay]


@frozen
class Weights:
    """The leaf tensors of a bank, in layouts for batched matrix products.

    inner w (L, K, d), biases b (L, 1, K), outer a (L, K, d), skip V^T (L, d, d), offset c (L, 1, d).
    """

    inner: Tensor
    biases: Tensor
    outer: Tensor
    skip: Tensor
    offset: Tensor

    @classmethod
    def of(cls, network: ReluNetwork, dtype: torch.dtype, device: torch.device) -> Weights:
        """Copies of the weights of a network as leaf tensors that hold gradients."""
        parts = (
            network.inner,
            network.biases[:, None],
            network.outer,
            network.skip.mT,
            network.offset[:, None],
        )
        contiguous = torch.contiguous_format
        leaves = [part.detach().to(device, dtype).clone(memory_format=contiguous) for part in parts]
        return cls(*(leaf.requires_grad_() for leaf in leaves))

    def network(self) -> ReluNetwork:
        """The weights as a bank of networks, without gradients."""
        return ReluNetwork(
            outer=self.outer.detach(), inner=self.inner.detach(), biases=self.biases.detach()[:, 0],
            skip=self.skip.detach().mT, offset=self.offset.detach()[:, 0],
        )  # fmt: skip

    @torch.no_grad()
    def residual(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """The residual h(y) - x at inputs y (L, Q, d) with targets x (L or 1, Q, d): (L, Q, d)."""
        hidden = torch.baddbmm(self.biases, inputs, self.inner.mT).relu_()
        return torch.bmm(hidden, self.outer).add_(torch.baddbmm(self.offset, inputs, self.skip)).sub_(targets)


@torch.no_grad()
def backward(
    weights: Weights,
    inputs: Tensor,
    targets: Tensor,
    residual_grad: Callable[[Tensor], Tensor],
    strength: float,
    scale: Tensor | None = None,
) -> Tensor:
    """Set the gradients of a loss of the residual plus `strength` times the cost, and return the residual.

    inputs (L, Q, d), targets (L or 1, Q, d), residual (L, Q, d). `residual_grad` maps the residual to the gradient
    of the loss with respect to it. scale (L, 1, K) multiplies the hidden neurons (dropout). This takes half the
    time of automatic differentiation.
    """
    hidden = torch.baddbmm(weights.biases, inputs, weights.inner.mT).relu_()
    active = hidden > 0
    if scale is not None:
        hidden *= scale
    residual = torch.bmm(hidden, weights.outer)
    residual += torch.baddbmm(weights.offset, inputs, weights.skip)
    residual -= targets
    error = residual_grad(residual)
    back = torch.bmm(error, weights.outer.mT)
    back *= active
    if scale is not None:
        back *= scale
    weights.outer.grad = torch.bmm(hidden.mT, error).add_(weights.outer, alpha=strength)
    weights.inner.grad = torch.bmm(back.mT, inputs).add_(weights.inner, alpha=strength)
    weights.biases.grad = back.sum(1, keepdim=True)
    weights.skip.grad = torch.bmm(inputs.mT, error)
    weights.offset.grad = error.sum(1, keepdim=True)
    return residual


def optimizer_of(descent: Descent, weights: Weights) -> torch.optim.Optimizer:
    """The inner optimizer for the weights of a bank."""
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


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Set the learning rate of the next step."""
    for group in optimizer.param_groups:
        group["lr"] = rate
