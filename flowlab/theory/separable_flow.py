"""Exact flows of slab denoisers that split into orthogonal coordinates."""

from __future__ import annotations

import torch
from torch import Tensor

from flowlab.theory.slabs import Slabs


def exact_probability_flow(slabs: Slabs, y: Tensor, ratio: Tensor) -> Tensor:
    """States (P, S, d) at sigma = ratio * sigma_T, from y (S, d) at sigma_T, with rho = alpha sigma.

    Each coordinate keeps its region and z / rho, (z - l) / rho or w / (l/2 - rho), hence
    y(sigma) = h(y_T) + (sigma / sigma_T) (y_T - h(y_T)): the endpoint is h_{rho_T}(y_T).
    Source: arXiv 2506.19031, Theorem 4.4.
    """
    end = slabs(y[None])[0]
    return end + ratio[:, None, None] * (y - end)


def exact_score_flow(slabs: Slabs, y: Tensor, r: Tensor) -> Tensor:
    """States (P, S, d) of dy/dr = h(y) - y at times r (P,), from y (S, d), for a one-level bank.

    Where h is constant y - h decays like e^{-r}. On the slope of slab n, z = u_n . y leaves its unstable point
    like e^{kappa r}, kappa = |g_n| |w_n| - 1, until it reaches an end of the slope, then decays to that side's
    vertex. Slabs must be along mutually orthogonal axes (several on one axis do not overlap).
    Source: arXiv 2506.19031, Theorems 4.2 and 4.3.
    """
    end, heights = slabs(y[None])[0], slabs.values(y[None])[0]
    decay = torch.exp(-r)[:, None, None]
    flat = end + decay * (y - end)
    size = slabs.jumps[0].norm(dim=-1)
    axis = slabs.jumps[0] / size[:, None]
    slope = slabs.weights[0].norm(dim=-1)
    active = (heights > 0) & (heights < 1)
    # along its axis, from the rung below the slab: position z, denoised position |g| s
    below = end @ axis.mT - size * heights
    z = y @ axis.mT - below
    kappa = size * slope - 1
    # h(z) = size * (s_0 + slope (z - z_0)) = z at the unstable point
    unstable = (size * slope * z - size * heights) / kappa
    low, high = z - heights / slope, z + (1 - heights) / slope
    w = z - unstable
    up = w > 0
    reach = torch.where(up, high, low) - unstable
    # a start on the unstable point itself stays for ever
    leave = torch.where(w == 0, torch.inf, torch.log(reach / w) / kappa)
    time = r[:, None, None]
    inside = unstable + w * torch.exp(kappa * torch.minimum(time, leave))
    vertex = torch.where(up, size, 0.0)
    after = vertex + (unstable + reach - vertex) * torch.exp(-(time - leave).clamp_min(0))
    moving = torch.where(time <= leave, inside, after)
    still = size * heights + decay * (z - size * heights)
    return flat + torch.where(active, moving - still, 0.0) @ axis
