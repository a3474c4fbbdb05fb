"""Exact flows of slab denoisers that split into orthogonal coordinates."""

from __future__ import annotations

import torch
from torch import Tensor

from flowlab.theory.networks.slabs import Slabs


def exact_probability_flow(slabs: Slabs, y: Tensor, ratio: Tensor) -> Tensor:
    """The states at sigma = ratio * sigma_T, ratio (P,), of the flow from y (S, d) at sigma_T: (P, S, d).

    For rho = alpha sigma. Each coordinate stays in its region, where z / rho, (z - l) / rho or w / (l/2 - rho) is
    constant. Hence y(sigma) = h(y_T) + (sigma / sigma_T) (y_T - h(y_T)), and the endpoint is h_{rho_T}(y_T).
    Source: arXiv 2506.19031, Theorem 4.4.
    """
    end = slabs(y[None])[0]
    return end + ratio[:, None, None] * (y - end)


def exact_score_flow(slabs: Slabs, y: Tensor, r: Tensor) -> Tensor:
    """The states of dy/dr = h(y) - y at times r (P,), from y (S, d), for a one-level bank: (P, S, d).

    Where h is constant, y - h decays like e^{-r}. On the slope of slab n, z = u_n . y moves away from its unstable
    point like e^{kappa r}, kappa = |g_n| |w_n| - 1, until it reaches an end of the slope; then it decays to the
    vertex on that side. The slabs have to be along mutually orthogonal axes, and slabs on one axis must not
    overlap. In terms of the speed v_0 = |g_n| s_0 - z_0, the formula z = z_0 + v_0 (e^{kappa r} - 1) / kappa holds
    at kappa = 0 (rho = 0) as well. Source: arXiv 2506.19031, Theorems 4.2 and 4.3.
    """
    end, heights = slabs(y[None])[0], slabs.values(y[None])[0]
    decay = torch.exp(-r)[:, None, None]
    flat = end + decay * (y - end)
    size = slabs.jumps[0].norm(dim=-1)
    axis = slabs.jumps[0] / size[:, None]
    slope = slabs.weights[0].norm(dim=-1)
    active = (heights > 0) & (heights < 1)
    # along its axis, measured from the value of h below the slab: position z, denoised position |g| s
    below = end @ axis.mT - size * heights
    z = y @ axis.mT - below
    kappa = size * slope - 1
    speed = size * heights - z
    up = speed > 0
    to_exit = torch.where(up, 1 - heights, -heights) / slope
    # a start at rest never leaves the slope, nor does one that a gentle slope (kappa < 0) draws to its fixed point
    growth = kappa * to_exit / speed
    exit_time = torch.where(kappa == 0, to_exit / speed, torch.log1p(growth) / kappa)
    exit_time = torch.where((speed == 0) | (growth <= -1), torch.inf, exit_time)
    time = r[:, None, None]
    slope_time = torch.where(speed == 0, 0.0, torch.minimum(time, exit_time))
    on_slope = z + speed * torch.where(kappa == 0, slope_time, torch.expm1(kappa * slope_time) / kappa)
    vertex = torch.where(up, size, 0.0)
    after_exit = vertex + (z + to_exit - vertex) * torch.exp(-(time - exit_time).clamp_min(0))
    position = torch.where(time <= exit_time, on_slope, after_exit)
    if_constant = size * heights + decay * (z - size * heights)
    return flat + torch.where(active, position - if_constant, 0.0) @ axis
