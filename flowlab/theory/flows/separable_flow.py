"""Exact flows of slab denoisers that split into orthogonal coordinates."""

from __future__ import annotations

import torch
from torch import Tensor

from flowlab.theory.networks.slabs import Slabs


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
    vertex. Slabs must be along mutually orthogonal axes (several on one axis do not overlap). Written with the
    speed v_0 = |g_n| s_0 - z_0, z = z_0 + v_0 (e^{kappa r} - 1) / kappa holds at kappa = 0 (rho = 0) as well.
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
    speed = size * heights - z
    up = speed > 0
    room = torch.where(up, 1 - heights, -heights) / slope
    # a start at rest, or one that a gentle slope (kappa < 0) draws to its fixed point, stays for ever
    growth = kappa * room / speed
    leave = torch.where(kappa == 0, room / speed, torch.log1p(growth) / kappa)
    leave = torch.where((speed == 0) | (growth <= -1), torch.inf, leave)
    time = r[:, None, None]
    within = torch.where(speed == 0, 0.0, torch.minimum(time, leave))
    inside = z + speed * torch.where(kappa == 0, within, torch.expm1(kappa * within) / kappa)
    vertex = torch.where(up, size, 0.0)
    after = vertex + (z + room - vertex) * torch.exp(-(time - leave).clamp_min(0))
    moving = torch.where(time <= leave, inside, after)
    still = size * heights + decay * (z - size * heights)
    return flat + torch.where(active, moving - still, 0.0) @ axis
