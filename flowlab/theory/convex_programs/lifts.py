"""Which sets of points the slabs of a denoiser lift, and by how much."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from attrs import frozen
from torch import Tensor

from flowlab.theory.convex_programs.dichotomies import Array, Dichotomies, Separate, Sides, least_jumps
from flowlab.theory.convex_programs.wide_vertex import wide_vertex
from flowlab.theory.solvers.fermat_weber import weighted_fermat_weber

# Jumps this small, by the largest, are zero.
_IDLE = 1e-12
# Unknowns of the multipliers: above, sets of several points are not tried.
_MOST_UNKNOWNS = 2000


@frozen
class Lifts:
    """An offset c (d,) and jumps a (R, d) of sets `above` (R, N): c + sum_{S contains n} a_S = x_n.

    `bound` is what multipliers prove of the cost sum_S 2 |a_S| m_S: over all dichotomies where `complete`, else
    over those that were tried alone.
    """

    offset: Array
    jumps: Array
    above: Sides
    bound: float
    complete: bool


def least_lifts(
    points: Tensor, separate: Separate, told_apart: Callable[[], bool], pattern: Sides | None
) -> Lifts | None:
    """Minimise sum_S 2 |a_S| m_S over sets S of points x (N, d); None where no sets are found to interpolate.

    The slopes m_S come from `separate`. The lifts of a `pattern` (R, N) of affinely independent columns, or else
    of single points about the weighted Fermat-Weber point, are the answer where they are optimal. Of more than 14
    points they stay unpriced where they are known to be optimal on balls (a pattern; edges that leave a point at
    90 degrees or more), and where they don't exist no others are looked for; elsewhere some of the other sets are
    tried. None at all where two of the clusters are not `told_apart` by any hyperplane.
    """
    places = points.numpy()
    above = np.eye(len(points), dtype=bool) if pattern is None else pattern
    sets = Dichotomies.of(len(points), separate)
    columns = sets.find(above)
    sets.learn(columns)
    slopes = sets.slopes[columns]
    simple = _single(points, slopes) if pattern is None else _patterned(places, slopes, pattern)
    if simple is not None:
        offset, jumps, multipliers = simple
        unknowns = (len(points) - 1) * min(len(points) - 1, points.shape[1])
        if not sets.complete and (optimal_on_balls(points, pattern) or unknowns > _MOST_UNKNOWNS):
            return _chosen(offset, jumps, above, np.nan, False)
        if not len(sets.worth(multipliers)):
            bound = 2 * (multipliers * (places[1:] - places[0])).sum() / max(1.0, sets.asked(multipliers).max())
            return _chosen(offset, jumps, above, float(bound), sets.complete)
    elif (not sets.complete and optimal_on_balls(points, pattern)) or not told_apart():
        return None
    solved = least_jumps(sets, places, columns)
    if solved is None:
        return None
    chosen, pursuit = solved
    return _chosen(*_turned(places[0], pursuit.groups, sets.above[chosen]), 2 * pursuit.bound, sets.complete)


def optimal_on_balls(points: Tensor, pattern: Sides | None) -> bool:
    """Whether a theorem for balls has the lifts of the pattern, or of single points, as the minimum norm."""
    return pattern is not None or wide_vertex(points) is not None


def _single(points: Tensor, slopes: Array) -> tuple[Array, Array, Array] | None:
    """Offset, jumps and multipliers of slabs that lift one point each; None where two can't be lifted."""
    if np.isinf(slopes).sum() > 1:
        return None
    offset = weighted_fermat_weber(points, torch.from_numpy(slopes)).numpy()
    jumps = points.numpy() - offset
    lengths = np.linalg.norm(jumps, axis=1)
    idle = lengths <= _IDLE * lengths.max()
    pulls = np.where(idle, 0.0, slopes / np.where(idle, 1.0, lengths))[:, None] * jumps
    pulls[idle] -= pulls.sum(0)  # at most one: the offset is its point
    return offset, jumps, pulls[1:]


def _patterned(places: Array, slopes: Array, pattern: Sides) -> tuple[Array, Array, Array] | None:
    """Offset, jumps and multipliers of the lifts of a pattern, which follow from the points alone."""
    if np.isinf(slopes).any():
        return None
    columns = np.vstack([np.ones(len(places)), pattern])
    # pinv: lstsq's last bits change from call to call
    solved = np.linalg.pinv(columns.T) @ places
    jumps = solved[1:]
    lengths = np.linalg.norm(jumps, axis=1)
    pulls = (slopes / lengths)[:, None] * jumps
    multipliers = np.linalg.pinv(np.vstack([columns[:1], pattern])) @ np.vstack([0 * pulls[:1], pulls])
    return solved[0], jumps, multipliers[1:]


def _turned(origin: Array, jumps: Array, above: Sides) -> tuple[Array, Array, Sides]:
    """Offset, jumps and sets such that the smaller side of each dichotomy is lifted, from sets without x_0."""
    large = above.sum(1) > above.shape[1] / 2
    signs = np.where(large, -1.0, 1.0)[:, None]
    return origin + jumps[large].sum(0), signs * jumps, above ^ large[:, None]


def _chosen(offset: Array, jumps: Array, above: Sides, bound: float, complete: bool) -> Lifts:
    """The lifts that are not idle, those of few points first."""
    lengths = np.linalg.norm(jumps, axis=1)
    kept = np.flatnonzero(lengths > _IDLE * lengths.max(initial=0.0))
    order = kept[np.lexsort([*(~above[kept].T)[::-1], above[kept].sum(1)])]
    return Lifts(offset, jumps[order], above[order], bound, complete)
