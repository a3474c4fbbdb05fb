"""The largest demand of multipliers, exactly, for samples in the plane."""

from __future__ import annotations

import math

import torch
from torch import Tensor

_CHUNK = 2_000_000  # angles evaluated at once


def largest_demand(multipliers: Tensor, samples: Tensor) -> float:
    """The maximum over |w| = 1 and b of |sum_i z_i relu(w . y_i + b)|, exact up to rounding.

    For projected multipliers z (Q, k) on samples y (Q, 2). The maximum over b is at a kink b = -w . y_i. For each
    i, as w = (cos t, sin t) turns, sample k is active while w . (y_k - y_i) > 0. Between two of these 2 (Q - 1)
    events F = A w with a constant (k, 2) matrix A, and |A w|^2 = p + q cos 2t + r sin 2t is largest at an end of
    the arc or where its derivative is zero. All O(Q^2) arcs are evaluated, at cost O(Q^2 log Q).
    """
    return max(
        float(_largest_by_pivot(multipliers, samples, part).max())
        for part in torch.arange(len(samples), device=samples.device).split(max(1, _CHUNK // len(samples)))
    )


def _largest_by_pivot(z: Tensor, y: Tensor, pivots: Tensor) -> Tensor:
    """The largest |F| over all angles about each of the pivots (P,), indices of samples: (P,)."""
    differences = y[None] - y[pivots, None]  # (P, Q, 2)
    coincident = differences.norm(dim=-1) == 0  # the pivot itself, and copies of it, never contribute
    angles = torch.atan2(differences[..., 1], differences[..., 0])
    tau = 2 * math.pi
    enters, leaves = (angles - math.pi / 2) % tau, (angles + math.pi / 2) % tau
    terms = (z[None, :, :, None] * differences[..., None, :]).flatten(-2)  # (P, Q, 2k): each sample's part of A
    terms = torch.where(coincident[..., None], 0.0, terms)
    events, order = torch.cat([enters, leaves], 1).sort(dim=1)
    changes = torch.cat([terms, -terms], 1).gather(1, order[..., None].expand(-1, -1, terms.shape[-1]))
    first = (terms * (enters > leaves)[..., None]).sum(1, keepdim=True)  # active at angle zero
    matrices = torch.cat([first, first + changes.cumsum(1)], 1).unflatten(-1, (-1, 2))
    zero = torch.zeros_like(events[:, :1])
    low, high = torch.cat([zero, events], 1), torch.cat([events, zero + tau], 1)
    a, b = matrices[..., 0], matrices[..., 1]
    aa, bb, ab = (a * a).sum(-1), (b * b).sum(-1), (a * b).sum(-1)
    middle, even, odd = (aa + bb) / 2, (aa - bb) / 2, ab
    peak = 0.5 * torch.atan2(odd, even) % math.pi  # a second peak is at peak + pi
    square = torch.maximum(*(middle + even * (2 * t).cos() + odd * (2 * t).sin() for t in (low, high)))
    within = ((low <= peak) & (peak <= high)) | ((low <= peak + math.pi) & (peak + math.pi <= high))
    square = torch.where(within, middle + torch.hypot(even, odd), square)
    return square.amax(1).clamp_min(0).sqrt()
