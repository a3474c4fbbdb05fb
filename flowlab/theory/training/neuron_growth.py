"""Removal of neurons from a bank of networks, and insertion of new ones where the residual demands them."""

from __future__ import annotations

import torch
from torch import Tensor

from flowlab.theory.training.descent import Weights

_KINKS = 64  # biases tried for each direction
_SIZE = 0.6  # norm of the weights of a new neuron, as a share of its parent's


def heaviest(weights: Weights, share: float, most: int | None = None) -> Tensor | None:
    """The indices (L, K') of neurons with |a| |w| above a share of their level's largest; None if all are.

    K' is the number of such neurons of the level that has most of them, but at most `most`, so that the levels
    stay one batch. The other levels keep their next largest neurons.
    """
    size = weights.outer.norm(dim=-1) * weights.inner.norm(dim=-1)
    above = int((size > share * size.amax(-1, keepdim=True)).sum(-1).max())
    count = max(1, above if most is None else min(above, most))
    return None if count == size.shape[-1] else size.topk(count, dim=-1).indices


@torch.no_grad()
def keep(weights: Weights, chosen: Tensor, optimizer: torch.optim.Optimizer | None = None) -> None:
    """Reduce a bank, and the state that an optimizer has for it, to the neurons chosen (L, K'), in place."""
    index = chosen[..., None].expand(-1, -1, weights.inner.shape[-1])
    selections = ((weights.inner, 1, index), (weights.outer, 1, index), (weights.biases, 2, chosen[:, None]))
    for leaf, dimension, indices in selections:
        moments = optimizer.state[leaf] if optimizer else {}
        for name, value in moments.items():
            if value.shape == leaf.shape:
                moments[name] = value.gather(dimension, indices)
        leaf.grad = None
        leaf.data = leaf.gather(dimension, indices)


@torch.no_grad()
def sprout(weights: Weights, inputs: Tensor, residual: Tensor) -> Weights:
    """Add a neuron in the direction of each neuron, at the bias where the residual demands it most.

    For inputs y_i (L, Q, d) and residual r_i (L, Q, d), the new neuron with unit direction w has its kink at the t
    that maximises |sum_i r_i relu(w . y_i - t)|, and its outer weights point against that sum. This is the
    steepest descent among neurons of direction w, as in the dual certificate. The affine part of r, which V and c
    can remove, is projected out first. New neurons are needed because gradients hardly ever revive a neuron that
    shrank to zero.
    """
    augmented = torch.cat([torch.ones_like(inputs[..., :1]), inputs], dim=-1).double()
    projected = residual.double()
    # pinv: the last bits of lstsq change from call to call
    projected = (projected - augmented @ (torch.linalg.pinv(augmented) @ projected)).to(inputs)
    norms = weights.inner.norm(dim=-1, keepdim=True).clamp_min(torch.finfo(inputs.dtype).tiny)
    directions = weights.inner / norms
    heights = torch.bmm(inputs, directions.mT)
    low, high = heights.aminmax(dim=1, keepdim=True)
    largest = torch.zeros_like(norms)
    demand, kink = torch.zeros_like(weights.outer), torch.zeros_like(low)
    for share in torch.arange(_KINKS) / _KINKS:
        candidate = low + (high - low) * share.to(low)
        sums = torch.bmm((heights - candidate).relu_().mT, projected)
        size = sums.norm(dim=-1, keepdim=True)
        better = size > largest
        largest = torch.where(better, size, largest)
        demand, kink = torch.where(better, sums, demand), torch.where(better.mT, candidate, kink)
    size = _SIZE * norms
    outer = -size * torch.nn.functional.normalize(demand, dim=-1)
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
    """Rescale each neuron to |a| = |w|, in place: the same function, at the least cost over such rescalings."""
    inner, outer = weights.inner.norm(dim=-1, keepdim=True), weights.outer.norm(dim=-1, keepdim=True)
    ratio = (outer / inner).sqrt()
    ratio = torch.where((ratio > 0) & torch.isfinite(ratio), ratio, 1.0)
    weights.inner.mul_(ratio)
    weights.biases.mul_(ratio.mT)
    weights.outer.div_(ratio)
