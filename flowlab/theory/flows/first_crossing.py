"""The first sign change of a polynomial on the unit interval, without missing any."""

from __future__ import annotations

from functools import cache
from math import comb

import torch
from torch import Tensor

_NARROWEST = 2.0**-40  # width of a part of the interval that is not bisected any further
_NEWTON_STEPS = 60


def first_crossing(coefficients: Tensor) -> Tensor:
    """The least tau in [0, 1] at which sum_j c_j tau^j becomes negative; inf where it never does: (R,).

    coefficients c (R, n + 1) with c_0 >= 0. A polynomial lies between its least and its largest Bernstein
    coefficient. Where none of these is negative there is no crossing; where they change sign once there is exactly
    one. In all other cases the interval is bisected, and its left part comes first. A value counts as negative
    only if it is below zero by more than the rounding of the sum. Source: Farouki and Rajan, Computer Aided
    Geometric Design 4 (1987), 191-216.
    """
    crossing = coefficients.new_full((len(coefficients),), torch.inf)
    rows = torch.arange(len(coefficients), device=coefficients.device)
    noise = 16 * torch.finfo(coefficients.dtype).eps * coefficients.abs().sum(-1)
    low, width = torch.zeros_like(noise), torch.ones_like(noise)
    while len(rows):
        part = _restrict(coefficients[rows], low, width)
        below = _bernstein(part) < -noise[rows, None]
        changes = (below[:, 1:] != below[:, :-1]).sum(-1)
        clear, single = ~below.any(-1), (changes == 1) & ~below[:, 0]
        narrow = ~clear & ~single & (width <= _NARROWEST)
        crossing[rows[single]] = low[single] + width[single] * _root(part[single])
        crossing[rows[narrow | below[:, 0]]] = low[narrow | below[:, 0]]
        low = torch.where(clear, low + width, low)
        width = torch.where(clear, torch.minimum(2 * width, 1 - low), width / 2)
        unfinished = ~single & ~narrow & ~below[:, 0] & (low < 1)
        rows, low, width = rows[unfinished], low[unfinished], width[unfinished]
    return crossing


def _root(coefficients: Tensor) -> Tensor:
    """The only root in [0, 1] of polynomials (R, n + 1) that are positive at 0 and negative at 1: (R,).

    By Newton's method, with a bisection step where it would leave the bracket.
    """
    orders = torch.arange(1, coefficients.shape[1]).to(coefficients)
    slopes = coefficients[:, 1:] * orders
    low, high = torch.zeros_like(coefficients[:, 0]), torch.ones_like(coefficients[:, 0])
    tau = 0.5 * (low + high)
    for _ in range(_NEWTON_STEPS):
        value = _evaluate(coefficients, tau)
        low, high = torch.where(value > 0, tau, low), torch.where(value > 0, high, tau)
        newton = tau - value / _evaluate(slopes, tau)
        newton = torch.where((newton >= low) & (newton <= high), newton, 0.5 * (low + high))
        converged = (newton - tau).abs() <= 4 * torch.finfo(tau.dtype).eps
        tau = newton
        if bool(converged.all()):
            break
    return tau


def _evaluate(coefficients: Tensor, tau: Tensor) -> Tensor:
    """The values sum_j c_j tau^j of polynomials with coefficients (R, n + 1) at tau (R,): (R,)."""
    return (coefficients * powers(tau, coefficients.shape[1])).sum(-1)


def powers(tau: Tensor, count: int) -> Tensor:
    """The powers 1, tau, tau^2, ... of tau (R,), `count` of them: (R, count)."""
    return torch.cat([torch.ones_like(tau)[:, None], tau[:, None].expand(-1, count - 1)], -1).cumprod(-1)


def _restrict(coefficients: Tensor, low: Tensor, width: Tensor) -> Tensor:
    """The polynomials on [low, low + width] as polynomials on [0, 1]: (R, n + 1)."""
    count = coefficients.shape[1]
    if bool((low == 0).all()):
        return coefficients * powers(width, count)
    steps = powers(low, count)
    order = torch.arange(count)
    lag = (order - order[:, None]).clamp_min(0)
    binomial = _binomials(count).to(coefficients)
    shifted = (steps[:, lag] * binomial * coefficients[:, None]).sum(-1)
    return shifted * powers(width, count)


def _bernstein(coefficients: Tensor) -> Tensor:
    """The Bernstein coefficients b_i = sum_{j <= i} C(i, j) / C(n, j) c_j: (R, n + 1)."""
    return coefficients @ _bernstein_matrix(coefficients.shape[1]).to(coefficients).mT


@cache
def _binomials(count: int) -> Tensor:
    return torch.tensor([[comb(j, i) for j in range(count)] for i in range(count)], dtype=torch.float64)


@cache
def _bernstein_matrix(count: int) -> Tensor:
    last = count - 1
    rows = [[comb(i, j) / comb(last, j) for j in range(count)] for i in range(count)]
    return torch.tensor(rows, dtype=torch.float64)
