"""Max-margin slabs: one hard-margin problem per slab."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from attrs import define, field, frozen
from numpy.typing import NDArray
from torch import Tensor

from flowlab.theory.solvers.hard_margin import TOLERANCE, Array, Indices, hard_margin

_ROUNDS = 200
_BLOCK = 2**25  # heights held at once
_ROUNDING = 2.0**-24  # of single precision


@frozen
class Margins:
    """Hard-margin solutions: weights w (L, R, d), biases b (L, R), feasible (L, R), touching (L, R, N).

    A slab is infeasible if no hyperplane separates its clusters; its weights and bias are nan. The support of a
    slab is in the clusters that it touches: |w| is the least of all slabs with these clusters on the same sides.
    """

    weights: Tensor
    biases: Tensor
    feasible: Tensor
    touching: Tensor


def separate(samples: Tensor, pattern: Tensor) -> Margins:
    """Solve, for each level and slab, min |w| with w . y + b >= 1 on some clusters and <= 0 on the others.

    samples (L, N, M, d); pattern (R, N) is True for the clusters on which a slab is 1. Few samples touch a slab,
    so each slab is solved on a working set, to which violated samples are added until there are none: to 1e-10, in
    float64 on the CPU. Raises ArithmeticError where the solver fails; this does not mean that a slab is
    infeasible.
    """
    data = samples.detach().cpu().double().numpy()
    signs = np.where(pattern.cpu().numpy(), 1.0, -1.0)
    levels = [_level(level, signs) for level in data]
    solutions = torch.from_numpy(np.stack([solution for solution, _ in levels]))
    touching = torch.from_numpy(np.stack([clusters for _, clusters in levels]))
    weights, biases = solutions[..., :-1], solutions[..., -1]
    feasible = biases.isfinite()
    device = samples.device
    return Margins(weights.to(samples), biases.to(samples), feasible.to(device), touching.to(device))


@define
class _Slab:
    """A slab in the working-set method: `solution` (w, b) is the optimum on the working set, with its support."""

    sign: Array  # (N,): 1 for clusters above the slab, -1 below
    solution: Array
    working: Indices = field(factory=lambda: np.empty(0, dtype=np.intp))
    support: Indices = field(factory=lambda: np.empty(0, dtype=np.intp))  # positions in `working`


@frozen
class _Samples:
    """The samples of a level in the unit ball: rows (N * M, d), the same in single precision, and M."""

    rows: Array
    rough: NDArray[np.float32]
    size: int


def _level(clusters: Array, signs: Array) -> tuple[Array, NDArray[np.bool_]]:
    """All slabs (R, d + 1) of one level's clusters (N, M, d) for signs (R, N), and what they touch (R, N).

    An infeasible slab is nan.
    """
    means = clusters.mean(axis=1)
    center = means.mean(axis=0)
    rows = clusters.reshape(-1, len(center)) - center
    # single precision finds most violated samples, given data of size one about the origin
    scale = float(np.sqrt(np.einsum("qd,qd->q", rows, rows).max())) or 1.0
    rows /= scale
    samples = _Samples(rows, rows.astype(np.float32), clusters.shape[1])
    # the first guess has heights of 1 and 0 on the means of the clusters, by least squares
    lifted = np.insert((means - center) / scale, len(center), 1.0, axis=1)
    guesses = np.linalg.lstsq(lifted, np.maximum(signs, 0.0).T, rcond=None)[0].T
    slabs = [_Slab(sign, guess) for sign, guess in zip(signs, guesses, strict=True)]
    _solve_all(slabs, samples)
    weights = np.stack([slab.solution[:-1] for slab in slabs]) / scale
    biases = np.array([slab.solution[-1] for slab in slabs]) - weights @ center
    touching = np.zeros(signs.shape, dtype=bool)
    for row, slab in zip(touching, slabs, strict=True):
        row[slab.working[slab.support] // samples.size] = True
    return np.concatenate([weights, biases[:, None]], axis=1), touching


def _solve_all(slabs: list[_Slab], samples: _Samples) -> None:
    """Solve the slabs: add violated samples to the working sets and solve again, until there are none."""
    size = max(1, _BLOCK // len(samples.rows))
    unsolved = slabs
    for _ in range(_ROUNDS):
        blocks = (unsolved[start : start + size] for start in range(0, len(unsolved), size))
        violated = [slab for block in blocks for slab in _add_violated(block, samples)]
        unsolved = [slab for slab in violated if _solve(slab, samples)]
        if not unsolved:
            return
    raise ArithmeticError(f"{len(unsolved)} slabs are not solved after {_ROUNDS} rounds")


def _add_violated(slabs: Sequence[_Slab], samples: _Samples) -> list[_Slab]:
    """Add violated samples to the working sets, and return the slabs that have any.

    All heights come from one single-precision matrix product, because nearly all samples are far from violation.
    """
    weights = np.stack([slab.solution[:-1] for slab in slabs]).astype(np.float32)
    violated = []
    for slab, heights in zip(slabs, weights @ samples.rough.T, strict=True):
        sign = slab.sign.astype(np.float32)[:, None]
        slack = heights.reshape(-1, samples.size)
        slack += np.float32(slab.solution[-1])
        slack *= sign
        slack -= np.maximum(sign, 0)
        new = _find_violated(slab, slack, samples) if len(slab.working) else _find_nearest(slab, slack, samples)
        if len(new):
            slab.working = np.concatenate([slab.working, new])
            violated.append(slab)
    return violated


def _solve(slab: _Slab, samples: _Samples) -> bool:
    """Set a slab to the optimum on its working set, and return True; nan and False where it is infeasible."""
    sign = slab.sign[slab.working // samples.size]
    optimum = hard_margin(samples.rows[slab.working], sign, slab.support)
    if optimum is None:
        slab.solution = np.full_like(slab.solution, np.nan)
        return False
    slab.solution, slab.support = optimum
    return True


def _find_nearest(slab: _Slab, slack: NDArray[np.float32], samples: _Samples) -> Indices:
    """The samples of least slack on each side, which are likely to touch the slab."""
    flat = np.arange(slack.size).reshape(slack.shape)
    sides = [side for side in (slab.sign > 0, slab.sign < 0) if side.any()]
    return np.concatenate([_indices_of_least(slack[side].ravel(), flat[side].ravel(), samples) for side in sides])


def _find_violated(slab: _Slab, slack: NDArray[np.float32], samples: _Samples) -> Indices:
    """The worst violated samples outside the working set, checked in float64 where rounding leaves a doubt.

    In the unit ball the error of d products in single precision is at most (d + 4) roundings of |w| + |b| + 1.
    """
    weights, bias = slab.solution[:-1], slab.solution[-1]
    slack = slack.ravel()
    doubt = _ROUNDING * (len(weights) + 4) * (np.linalg.norm(weights) + abs(bias) + 1)
    sure = np.flatnonzero(slack < -doubt)
    if len(sure):
        return _indices_of_least(slack[sure], sure, samples)
    doubtful = np.setdiff1d(np.flatnonzero(slack < doubt), slab.working)
    sign = slab.sign[doubtful // samples.size]
    exact = sign * (samples.rows[doubtful] @ weights + bias) - np.maximum(sign, 0.0)
    # for a slab that is narrow against the data, heights have larger rounding errors
    below = exact < -max(TOLERANCE, doubt * np.finfo(float).eps / _ROUNDING)
    return _indices_of_least(exact[below], doubtful[below], samples)


def _indices_of_least(values: NDArray[np.floating], indices: Indices, samples: _Samples) -> Indices:
    """The indices of the least values, as many as are fastest per round by measurement."""
    most = samples.rows.shape[1] // 2 + 80
    return indices if len(indices) <= most else indices[np.argpartition(values, most)[:most]]
