"""The group lasso by accelerated proximal gradients, on Gram matrices."""

from __future__ import annotations

import math

import torch
from torch import Tensor

_CHECK_EVERY = 20


def group_lasso(
    gram: Tensor, target: Tensor, strength: float, start: Tensor, tolerance: float, iterations: int
) -> Tensor:
    """Minimise 1/2 |T - Phi a|^2 + strength * sum_j |a_j| over the rows a_j (J, d).

    Given by gram G = Phi^T Phi (J, J) and target C = Phi^T T (J, d), from start a (J, d). The method is FISTA with
    restarts. It ends when the dual point z = (T - Phi a) / strength is feasible, |Phi_j . z| <= 1 + tolerance, and
    the duality gap sum_j |a_j| - a_j . (Phi_j . z) is at most the tolerance times the cost, or after `iterations`.
    Source: Beck and Teboulle (2009); O'Donoghue and Candes (2015).
    """
    weights, momentum, inertia = start, start, 1.0
    lipschitz = float(torch.linalg.eigvalsh(gram)[-1]) * (1 + 1e-6)
    if lipschitz <= 0:
        return torch.zeros_like(start)
    for k in range(iterations):
        descended = momentum - (gram @ momentum - target) / lipschitz
        shrink = 1 - strength / lipschitz / descended.norm(dim=-1, keepdim=True).clamp_min(1e-300)
        next_weights = descended * shrink.clamp_min(0)
        if ((momentum - next_weights) * (next_weights - weights)).sum() > 0:
            inertia = 1.0
        next_inertia = (1 + math.sqrt(1 + 4 * inertia * inertia)) / 2
        momentum = next_weights + (inertia - 1) / next_inertia * (next_weights - weights)
        weights, inertia = next_weights, next_inertia
        if k % _CHECK_EVERY == _CHECK_EVERY - 1:
            correlation = (target - gram @ weights) / strength
            cost = weights.norm(dim=-1).sum()
            gap_small = (cost - (weights * correlation).sum()).abs() <= tolerance * cost
            if gap_small and correlation.norm(dim=-1).max() <= 1 + tolerance:
                break
    return weights
