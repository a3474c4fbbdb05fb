"""Up to which noise level hyperplanes separate the clusters of noisy samples as the slabs need it."""

from __future__ import annotations

from collections.abc import Callable

import torch
from attrs import frozen
from torch import Tensor

from flowlab.theory.convex_programs.max_margin import separate


@frozen
class Critical:
    """Where separability ends: it holds at `low` and fails at `high` (sigma, data units)."""

    low: float
    high: float


def needed_slabs(count: int, pattern: Tensor | None) -> tuple[Tensor, int]:
    """The slabs (R, N) that a slab denoiser of `count` points needs, and how many of them it can do without.

    Without a pattern it is one slab a point, each cluster above all others; one may be missing, as the
    denoiser's offset can lie in its point.
    """
    return (torch.eye(count, dtype=torch.bool), 1) if pattern is None else (pattern, 0)


def separable_levels(samples: Tensor, pattern: Tensor | None) -> Tensor:
    """Whether hyperplanes separate enough clusters at each level: samples (L, N, M, d) -> (L,)."""
    slabs, spare = needed_slabs(samples.shape[1], pattern)
    return (~separate(samples, slabs).feasible).sum(-1) <= spare


def critical_sigma(
    points: Tensor, noise: Tensor, pattern: Tensor | None, start: float, relative: float = 1e-3
) -> Critical | None:
    """The noise level at which the samples points (N, d) + sigma * noise (N, M, d) cease to be separable.

    From `start`, doubled or halved up to 60 times until it is on both sides of the end, then by bisection to
    the relative width asked for. None if no end is found there: some samples never mix. Where the hull of
    each cluster's noise contains the origin, clusters grow with sigma and the end is the only one; of few
    samples in many dimensions, clusters move too, and it is one end, perhaps of several.
    """
    slabs, spare = needed_slabs(len(points), pattern)

    def lost(sigma: float, among: Tensor) -> Tensor:
        return ~separate((points[:, None] + sigma * noise)[None], among).feasible[0]

    bracket = _bracket(lambda sigma: int(lost(sigma, slabs).sum()) <= spare, start)
    if bracket is None:
        return None
    low, high = bracket
    while high > low * (1 + relative):
        middle = (low * high) ** 0.5
        gone = lost(middle, slabs)
        # a slab that is lost at a level is lost above it, so each step settles some slabs for good
        if int(gone.sum()) > spare:
            high, slabs = middle, slabs[gone]
        else:
            low, slabs, spare = middle, slabs[~gone], spare - int(gone.sum())
    return Critical(low, high)


def _bracket(holds: Callable[[float], bool], start: float) -> tuple[float, float] | None:
    """Two values, a factor of two apart, between which a property that holds for small values ends."""
    factor = 2.0 if holds(start) else 0.5
    value = start
    for _ in range(60):
        previous, value = value, value * factor
        if holds(value) is (factor < 1):
            return min(previous, value), max(previous, value)
    return None
