"""The neuron that multipliers demand most, exactly, for samples in the plane."""

from __future__ import annotations

import math

import torch
from torch import Tensor

_CHUNK = 2_000_000  # angles looked at in one go


def largest_demand(multipliers: Tensor, samples: Tensor) -> float:
    """max over |w| = 1, b of |sum_i z_i relu(w . y_i + b)|, for projected z (Q, k) and y (Q, 2).

    The maximum over b lies at a kink b = -w . y_i. For each i, as w = (cos t, sin t) turns, a sample k is
    active while w . (y_k - y_i) > 0: between two of these 2 (Q - 1) events F = A w with a fixed (k, 2) matrix A,
    and |A w|^2 = p + q cos 2t + r sin 2t is largest at the arc's ends or where its derivative vanishes. All
    O(Q^2) arcs are looked at, so this is a proof up to rounding, of cost O(Q^2 log Q).
    """
    return max(
        float(_turning(multipliers, samples, part).max())
        for part in torch.arange(len(samples), device=samples.device).split(max(1, _CHUNK // len(samples)))
    )


def _turning(z: Tensor, y: Tensor, pivots: Tensor) -> Tensor:
    """The largest |F| over the turn about each pivot sample."""
    apart = y[None] - y[pivots, None]  # (P, Q, 2)
    here = apart.norm(dim=-1) == 0  # the pivot itself, and copies of it, never contribute
    facing = torch.atan2(apart[..., 1], apart[..., 0])
    tau = 2 * math.pi
    enters, leaves = (facing - math.pi / 2) % tau, (facing + math.pi / 2) % tau
    share = (z[None, :, :, None] * apart[..., None, :]).flatten(-2)  # (P, Q, 2k): the sample's part of A
    share = torch.where(here[..., None], 0.0, share)
    events, order = torch.cat([enters, leaves], 1).sort(dim=1)
    changes = torch.cat([share, -share], 1).gather(1, order[..., None].expand(-1, -1, share.shape[-1]))
    first = (share * (enters > leaves)[..., None]).sum(1, keepdim=True)  # active at angle zero
    matrices = torch.cat([first, first + changes.cumsum(1)], 1).unflatten(-1, (-1, 2))
    zero = torch.zeros_like(events[:, :1])
    low, high = torch.cat([zero, events], 1), torch.cat([events, zero + tau], 1)
    a, b = matrices[..., 0], matrices[..., 1]
    aa, bb, ab = (a * a).sum(-1), (b * b).sum(-1), (a * b).sum(-1)
    middle, even, odd = (aa + bb) / 2, (aa - bb) / 2, ab
    peak = 0.5 * torch.atan2(odd, even) % math.pi  # and again half a turn on
    square = torch.maximum(*(middle + even * (2 * t).cos() + odd * (2 * t).sin() for t in (low, high)))
    within = ((low <= peak) & (peak <= high)) | ((low <= peak + math.pi) & (peak + math.pi <= high))
    square = torch.where(within, middle + torch.hypot(even, odd), square)
    return square.amax(1).clamp_min(0).sqrt()
