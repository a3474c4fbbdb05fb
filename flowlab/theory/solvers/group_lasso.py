"""The group lasso by accelerated proximal gradients, on Gram matrices."""

from __future__ import annotations

import math

import torch
from torch import Tensor

_CHECK_EVERY = 20


def group_lasso(
    gram: Tensor, target: Tensor, strength: float, start: Tensor, tolerance: float, iterations: int
) -> Tensor:
    """Minimise 1/2 |T - Phi a|^2 + strength * sum_j |a_j| over rows a_j, given G = Phi^T Phi and C = Phi^T T.

    gram G (J, J), target C and start a (J, d). FISTA with restarts (Beck and Teboulle 2009; O'Donoghue and Candes
    2015); ends when the dual point z = (T - Phi a) / strength is feasible, |Phi_j . z| <= 1 + tolerance, and the
    duality gap sum_j |a_j| - a_j . (Phi_j . z) is at most the tolerance times the cost, or after `iterations`.
    """
    weights, momentum, inertia = start, start, 1.0
    lipschitz = float(torch.linalg.eigvalsh(gram)[-1]) * (1 + 1e-6)
    if lipschitz <= 0:
        return torch.zeros_like(start)
    for k in range(iterations):
        moved = momentum - (gram @ momentum - target) / lipschitz
        shrink = 1 - strength / lipschitz / moved.norm(dim=-1, keepdim=True).clamp_min(1e-300)
        fresh = moved * shrink.clamp_min(0)
        if ((momentum - fresh) * (fresh - weights)).sum() > 0:
            inertia = 1.0
        faster = (1 + math.sqrt(1 + 4 * inertia * inertia)) / 2
        momentum = fresh + (inertia - 1) / faster * (fresh - weights)
        weights, inertia = fresh, faster
        if k % _CHECK_EVERY == _CHECK_EVERY - 1:
            pull = (target - gram @ weights) / strength
            cost = weights.norm(dim=-1).sum()
            met = (cost - (weights * pull).sum()).abs() <= tolerance * cost
            if met and pull.norm(dim=-1).max() <= 1 + tolerance:
                break
    return weights
