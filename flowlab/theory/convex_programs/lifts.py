"""The sets of points that the slabs of a denoiser raise, and their jumps, at the least cost."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from attrs import frozen
from torch import Tensor

from flowlab.theory.convex_programs.dichotomies import Array, Dichotomies, Separate, Sides, least_jumps
from flowlab.theory.convex_programs.wide_vertex import wide_vertex
from flowlab.theory.solvers.fermat_weber import weighted_fermat_weber

# Jumps at most this share of the largest are zero.
_IDLE = 1e-12
# Number of multipliers above which sets of several points are not tried.
_MOST_UNKNOWNS = 2000


@frozen
class Lifts:
    """An offset c (d,) with jumps a (R, d) of sets above (R, N) such that c + sum_{S contains n} a_S = x_n.

    `bound` is a lower bound on the cost sum_S 2 |a_S| m_S, proved by multipliers: over all dichotomies if
    `complete`, else only over those that were tried.
    """

    offset: Array
    jumps: Array
    above: Sides
    bound: float
    complete: bool


def least_lifts(
    points: Tensor, separate: Separate, separable: Callable[[], bool], pattern: Sides | None
) -> Lifts | None:
    """Minimise sum_S 2 |a_S| m_S over sets S of points x (N, d); None where no sets are found that interpolate.

    The slopes m_S come from `separate`. The first candidate has the sets of a pattern (R, N) with affinely
    independent columns, or else single points about the weighted Fermat-Weber point. It is the result where it is
    optimal. For more than 14 points not all sets are priced. Then a candidate that is known to be optimal on balls
    (a pattern, or edges that leave a point at 90 degrees or more) is the result, and if it does not exist the
    result is None; in other cases some of the other sets are tried. None also where `separable()` says that no
    hyperplane separates some two clusters.
    """
    places = points.numpy()
    above = np.eye(len(points), dtype=bool) if pattern is None else pattern
    sets = Dichotomies.of(len(points), separate)
    columns = sets.find(above)
    sets.learn(columns)
    slopes = sets.slopes[columns]
    simple = _single(points, slopes) if pattern is None else _by_pattern(places, slopes, pattern)
    if simple is not None:
        offset, jumps, multipliers = simple
        unknowns = (len(points) - 1) * min(len(points) - 1, points.shape[1])
        if not sets.complete and (optimal_on_balls(points, pattern) or unknowns > _MOST_UNKNOWNS):
            return _nonzero(offset, jumps, above, np.nan, False)
        if not len(sets.worth(multipliers)):
            bound = 2 * (multipliers * (places[1:] - places[0])).sum() / max(1.0, sets.asked(multipliers).max())
            return _nonzero(offset, jumps, above, float(bound), sets.complete)
    elif (not sets.complete and optimal_on_balls(points, pattern)) or not separable():
        return None
    solved = least_jumps(sets, places, columns)
    if solved is None:
        return None
    chosen, pursuit = solved
    return _nonzero(
        *_smaller_sides(places[0], pursuit.groups, sets.above[chosen]), 2 * pursuit.bound, sets.complete
    )


def optimal_on_balls(points: Tensor, pattern: Sides | None) -> bool:
    """Whether by a theorem the sets of pattern (R, N), or single points (N, d), have minimum norm on balls.

    The single points are those of points (N, d), where there is no pattern.
    """
    return pattern is not None or wide_vertex(points) is not None


def _single(points: Tensor, slopes: Array) -> tuple[Array, Array, Array] | None:
    """Offset, jumps and multipliers of one slab per point; None where two of these slabs are infeasible."""
    if np.isinf(slopes).sum() > 1:
        return None
    offset = weighted_fermat_weber(points, torch.from_numpy(slopes)).numpy()
    jumps = points.numpy() - offset
    lengths = np.linalg.norm(jumps, axis=1)
    idle = lengths <= _IDLE * lengths.max()
    gradients = np.where(idle, 0.0, slopes / np.where(idle, 1.0, lengths))[:, None] * jumps
    gradients[idle] -= gradients.sum(0)  # at most one: the offset is its point
    return offset, jumps, gradients[1:]


def _by_pattern(places: Array, slopes: Array, pattern: Sides) -> tuple[Array, Array, Array] | None:
    """Offset, jumps and multipliers of the slabs of a pattern; the jumps follow from the points alone."""
    if np.isinf(slopes).any():
        return None
    columns = np.vstack([np.ones(len(places)), pattern])
    # pinv: the last bits of lstsq change from call to call
    solved = np.linalg.pinv(columns.T) @ places
    jumps = solved[1:]
    lengths = np.linalg.norm(jumps, axis=1)
    gradients = (slopes / lengths)[:, None] * jumps
    multipliers = np.linalg.pinv(np.vstack([columns[:1], pattern])) @ np.vstack([0 * gradients[:1], gradients])
    return solved[0], jumps, multipliers[1:]


def _smaller_sides(origin: Array, jumps: Array, above: Sides) -> tuple[Array, Array, Sides]:
    """Offset, jumps and sets with the smaller side of each dichotomy above, from sets without x_0."""
    large = above.sum(1) > above.shape[1] / 2
    signs = np.where(large, -1.0, 1.0)[:, None]
    return origin + jumps[large].sum(0), signs * jumps, above ^ large[:, None]


def _nonzero(offset: Array, jumps: Array, above: Sides, bound: float, complete: bool) -> Lifts:
    """The sets whose jumps are not zero, with small sets first."""
    lengths = np.linalg.norm(jumps, axis=1)
    kept = np.flatnonzero(lengths > _IDLE * lengths.max(initial=0.0))
    order = kept[np.lexsort([*(~above[kept].T)[::-1], above[kept].sum(1)])]
    return Lifts(offset, jumps[order], above[order], bound, complete)
