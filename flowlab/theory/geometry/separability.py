"""The noise level up to which hyperplanes separate the clusters of noisy samples as slabs need it."""

from __future__ import annotations

from collections.abc import Callable

import torch
from attrs import frozen
from torch import Tensor

from flowlab.theory.convex_programs.max_margin import separate


@frozen
class CriticalSigma:
    """The bracket of the sigma at which separability ends: it holds at `low`, fails at `high` (data units)."""

    low: float
    high: float


def needed_slabs(count: int, pattern: Tensor | None) -> tuple[Tensor, int]:
    """The slabs that a slab denoiser of `count` points needs, and how many of them may be missing.

    pattern (R, N) is returned as it is, and no slab may be missing. Without a pattern there is one slab per
    point, each with one cluster above all others: (N, N). One of these may be missing, because the offset of the
    denoiser can lie in its point.
    """
    return (torch.eye(count, dtype=torch.bool), 1) if pattern is None else (pattern, 0)


def separable_levels(samples: Tensor, pattern: Tensor | None) -> Tensor:
    """The levels (L,) at which hyperplanes separate enough clusters of samples (L, N, M, d), by pattern (R, N)."""
    slabs, spare = needed_slabs(samples.shape[1], pattern)
    return (~separate(samples, slabs).feasible).sum(-1) <= spare


def critical_sigma(
    points: Tensor, noise: Tensor, pattern: Tensor | None, start: float, relative: float = 1e-3
) -> CriticalSigma | None:
    """The noise level at which the samples points (N, d) + sigma * noise (N, M, d) cease to be separable.

    pattern (R, N) says which clusters have to be apart, see `needed_slabs`. The search starts at `start`, doubles
    or halves it up to 60 times until the end is bracketed, and bisects to the `relative` width. None if 60 steps
    bracket no end: some samples never mix. Where the hull of each cluster's noise contains the origin, clusters
    only grow with sigma, and this end is the only one. With few samples in many dimensions clusters also move, and
    there may be several ends, of which this is one.
    """
    slabs, spare = needed_slabs(len(points), pattern)

    def inseparable(sigma: float, candidates: Tensor) -> Tensor:
        return ~separate((points[:, None] + sigma * noise)[None], candidates).feasible[0]

    bracket = _bracket(lambda sigma: int(inseparable(sigma, slabs).sum()) <= spare, start)
    if bracket is None:
        return None
    low, high = bracket
    while high > low * (1 + relative):
        middle = (low * high) ** 0.5
        infeasible = inseparable(middle, slabs)
        # a slab that is infeasible at a level is infeasible above it, so each step removes some slabs for good
        if int(infeasible.sum()) > spare:
            high, slabs = middle, slabs[infeasible]
        else:
            low, slabs, spare = middle, slabs[~infeasible], spare - int(infeasible.sum())
    return CriticalSigma(low, high)


def _bracket(holds: Callable[[float], bool], start: float) -> tuple[float, float] | None:
    """Two values, a factor of two apart, between which a property that holds for small values ends to hold."""
    factor = 2.0 if holds(start) else 0.5
    value = start
    for _ in range(60):
        previous, value = value, value * factor
        if holds(value) is (factor < 1):
            return min(previous, value), max(previous, value)
    return None
