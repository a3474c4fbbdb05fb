"""Neurons that are dropped from a bank of networks, and new ones put where the residual asks for them."""

from __future__ import annotations

import torch
from torch import Tensor

from flowlab.theory.training.descent import Weights

_KINKS = 64  # biases tried for each direction
_SIZE = 0.6  # norm of a new neuron's rows, as a share of its parent's


def heaviest(weights: Weights, share: float, most: int | None = None) -> Tensor | None:
    """Indices (L, K') of the neurons with |a| |w| above a share of their level's largest; None if all are.

    K', at most `most`, is that of the level with the most, so that the levels stay one batch; the others
    keep their next heaviest.
    """
    size = weights.outer.norm(dim=-1) * weights.inner.norm(dim=-1)
    above = int((size > share * size.amax(-1, keepdim=True)).sum(-1).max())
    count = max(1, above if most is None else min(above, most))
    return None if count == size.shape[-1] else size.topk(count, dim=-1).indices


@torch.no_grad()
def keep(weights: Weights, chosen: Tensor, optimizer: torch.optim.Optimizer | None = None) -> None:
    """Cut a bank, and what an optimizer remembers of it, down to the chosen neurons (L, K'), in place."""
    index = chosen[..., None].expand(-1, -1, weights.inner.shape[-1])
    cuts = ((weights.inner, 1, index), (weights.outer, 1, index), (weights.biases, 2, chosen[:, None]))
    for leaf, dimension, kept in cuts:
        remembered = optimizer.state[leaf] if optimizer else {}
        for name, value in remembered.items():
            if value.shape == leaf.shape:
                remembered[name] = value.gather(dimension, kept)
        leaf.grad = None
        leaf.data = leaf.gather(dimension, kept)


@torch.no_grad()
def sprout(weights: Weights, inputs: Tensor, residual: Tensor) -> Weights:
    """Give each neuron a second one in its direction, at the bias where the residual pulls hardest.

    For inputs y_i (L, Q, d) and residual r_i, the new neuron of unit direction w sits at the kink t that
    maximises |sum_i r_i relu(w . y_i - t)|, its outer row against that sum: the steepest descent among the
    neurons of direction w, as in the dual certificate. The affine part of r, which V and c can remove, is
    projected out first. Needed because a neuron that shrank to nothing hardly ever comes back by gradients.
    """
    augmented = torch.cat([torch.ones_like(inputs[..., :1]), inputs], dim=-1).double()
    pulling = residual.double()
    # pinv: lstsq's last bits change from call to call
    pulling = (pulling - augmented @ (torch.linalg.pinv(augmented) @ pulling)).to(inputs)
    norms = weights.inner.norm(dim=-1, keepdim=True).clamp_min(torch.finfo(inputs.dtype).tiny)
    directions = weights.inner / norms
    heights = torch.bmm(inputs, directions.mT)
    low, high = heights.aminmax(dim=1, keepdim=True)
    strongest = torch.zeros_like(norms)
    pull, kink = torch.zeros_like(weights.outer), torch.zeros_like(low)
    for share in torch.arange(_KINKS) / _KINKS:
        here = low + (high - low) * share.to(low)
        sums = torch.bmm((heights - here).relu_().mT, pulling)
        size = sums.norm(dim=-1, keepdim=True)
        better = size > strongest
        strongest = torch.where(better, size, strongest)
        pull, kink = torch.where(better, sums, pull), torch.where(better.mT, here, kink)
    size = _SIZE * norms
    outer = -size * torch.nn.functional.normalize(pull, dim=-1)
    leaves = (
        torch.cat([weights.inner, size * directions], dim=1),
        torch.cat([weights.biases, -size.mT * kink], dim=2),
        torch.cat([weights.outer, outer], dim=1),
        weights.skip,
        weights.offset,
    )
    return Weights(*(leaf.detach().requires_grad_() for leaf in leaves))


@torch.no_grad()
def balance(weights: Weights) -> None:
    """Rescale each neuron to |a| = |w|, in place: the same function at the least cost of its scalings."""
    inner, outer = weights.inner.norm(dim=-1, keepdim=True), weights.outer.norm(dim=-1, keepdim=True)
    ratio = (outer / inner).sqrt()
    ratio = torch.where((ratio > 0) & torch.isfinite(ratio), ratio, 1.0)
    weights.inner.mul_(ratio)
    weights.biases.mul_(ratio.mT)
    weights.outer.div_(ratio)
