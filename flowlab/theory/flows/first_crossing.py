"""Where a polynomial on the unit interval first changes its sign, with no crossing overlooked."""

from __future__ import annotations

from functools import cache
from math import comb

import torch
from torch import Tensor

_NARROWEST = 2.0**-40  # a part of the interval that is not cut in half any more
_NEWTON_STEPS = 60


def first_crossing(coefficients: Tensor) -> Tensor:
    """The least tau in [0, 1] from which on sum_j c_j tau^j is negative, inf where there is none: (R,).

    coefficients (R, n + 1) with c_0 >= 0. A polynomial lies between its Bernstein coefficients: where none of
    them is negative there is no crossing, where they change sign once there is one and no other. All else is
    cut in half, the left part first. What is less than the rounding of the sum below zero doesn't count.
    """
    crossing = coefficients.new_full((len(coefficients),), torch.inf)
    rows = torch.arange(len(coefficients), device=coefficients.device)
    noise = 16 * torch.finfo(coefficients.dtype).eps * coefficients.abs().sum(-1)
    low, width = torch.zeros_like(noise), torch.ones_like(noise)
    while len(rows):
        part = _shifted(coefficients[rows], low, width)
        below = _bernstein(part) < -noise[rows, None]
        changes = (below[:, 1:] != below[:, :-1]).sum(-1)
        clear, single = ~below.any(-1), (changes == 1) & ~below[:, 0]
        narrow = ~clear & ~single & (width <= _NARROWEST)
        crossing[rows[single]] = low[single] + width[single] * _root(part[single])
        crossing[rows[narrow | below[:, 0]]] = low[narrow | below[:, 0]]
        low = torch.where(clear, low + width, low)
        width = torch.where(clear, torch.minimum(2 * width, 1 - low), width / 2)
        open_ = ~single & ~narrow & ~below[:, 0] & (low < 1)
        rows, low, width = rows[open_], low[open_], width[open_]
    return crossing


def _root(coefficients: Tensor) -> Tensor:
    """The only root in [0, 1] of polynomials (R, n + 1) that fall from above zero to below it: (R,).

    Newton's method, by bisection where it would leave the bracket.
    """
    orders = torch.arange(1, coefficients.shape[1]).to(coefficients)
    slopes = coefficients[:, 1:] * orders
    low, high = torch.zeros_like(coefficients[:, 0]), torch.ones_like(coefficients[:, 0])
    at = 0.5 * (low + high)
    for _ in range(_NEWTON_STEPS):
        value = _polynomial(coefficients, at)
        low, high = torch.where(value > 0, at, low), torch.where(value > 0, high, at)
        moved = at - value / _polynomial(slopes, at)
        moved = torch.where((moved >= low) & (moved <= high), moved, 0.5 * (low + high))
        still = (moved - at).abs() <= 4 * torch.finfo(at.dtype).eps
        at = moved
        if bool(still.all()):
            break
    return at


def _polynomial(coefficients: Tensor, at: Tensor) -> Tensor:
    """sum_j c_j tau^j of coefficients (R, n + 1) at tau (R,): (R,)."""
    return (coefficients * powers(at, coefficients.shape[1])).sum(-1)


def powers(at: Tensor, count: int) -> Tensor:
    """1, tau, tau^2, ..., `count` of them, of tau (R,): (R, count)."""
    return torch.cat([torch.ones_like(at)[:, None], at[:, None].expand(-1, count - 1)], -1).cumprod(-1)


def _shifted(coefficients: Tensor, low: Tensor, width: Tensor) -> Tensor:
    """The polynomials on [low, low + width] as polynomials on [0, 1]: (R, n + 1)."""
    count = coefficients.shape[1]
    if bool((low == 0).all()):
        return coefficients * powers(width, count)
    steps = powers(low, count)
    order = torch.arange(count)
    lag = (order - order[:, None]).clamp_min(0)
    binomial = _binomials(count).to(coefficients)
    moved = (steps[:, lag] * binomial * coefficients[:, None]).sum(-1)
    return moved * powers(width, count)


def _bernstein(coefficients: Tensor) -> Tensor:
    """b_i = sum_{j <= i} C(i, j) / C(n, j) c_j (R, n + 1): between the least and largest the polynomial lies."""
    return coefficients @ _bernstein_matrix(coefficients.shape[1]).to(coefficients).mT


@cache
def _binomials(count: int) -> Tensor:
    return torch.tensor([[comb(j, i) for j in range(count)] for i in range(count)], dtype=torch.float64)


@cache
def _bernstein_matrix(count: int) -> Tensor:
    last = count - 1
    rows = [[comb(i, j) / comb(last, j) for j in range(count)] for i in range(count)]
    return torch.tensor(rows, dtype=torch.float64)
