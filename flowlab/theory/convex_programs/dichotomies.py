"""Dichotomies of a set of points, and the slopes of their slabs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from attrs import define, field
from numpy.typing import NDArray

from flowlab.theory.solvers.group_basis_pursuit import Pursuit, group_basis_pursuit

Array = NDArray[np.float64]
Sides = NDArray[np.bool_]
# Slopes |w| (R,) of the slabs that part sets (R, N) of the points from the others, inf where none does, and the
# points on which each slope rests (R, N).
Separate = Callable[[Sides], tuple[Array, Sides]]

# Points whose 2^(N-1) - 1 dichotomies are all priced; of more points, only some are tried.
MOST_POINTS = 14
# A set deserves a slab if its demand is above its slope by more than this share: slopes are known to 1e-10.
_WORTH = 1e-9
_BATCH = 48  # slopes computed in a round
_GAPS = (1e-2, 1e-5, 1e-11)  # of the restricted problems, closer as there is nothing more to add
_TRIED = 1500  # slopes that are computed at most where not all dichotomies are priced
_NEAR = 0.5  # columns of which less is asked are left out
_IDLE = 1e-9
_ROUNDS = 200


@define
class Dichotomies:
    """Sets of points, the first point in none of them, with lower bounds on their slopes.

    A slope that rests on some points is a bound for all sets that part these in the same way, so that few slopes
    have to be computed. above (R, N); slopes (R,), exact where known (R,).
    """

    separate: Separate
    above: Sides
    slopes: Array
    complete: bool  # whether these are all
    known: Sides = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.known = np.zeros(len(self.above), dtype=bool)

    @classmethod
    def of(cls, count: int, separate: Separate) -> Dichotomies:
        """All dichotomies of `count` points where they are few, else those of one and of two points."""
        complete = count <= MOST_POINTS
        if complete:
            sets = (np.arange(1, 2 ** (count - 1))[:, None] >> np.arange(count - 1) & 1).astype(bool)
            sets = np.insert(sets, 0, False, axis=1)
        else:
            single = np.eye(count, dtype=bool)
            first, second = np.triu_indices(count, 1)
            sets = np.concatenate([single, single[first] | single[second]])
            sets = np.where(sets[:, :1], ~sets, sets)
        return cls(separate, sets, np.zeros(len(sets)), complete)

    def asked(self, multipliers: Array) -> Array:
        """The demand of multipliers (N - 1, d) for each set, divided by its slope: above 1 it is worth a slab."""
        norms = np.linalg.norm(self.above[:, 1:] @ multipliers, axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(norms > 0, norms / self.slopes, 0.0)

    def worth(self, multipliers: Array) -> NDArray[np.intp]:
        """The indices (A,) of the sets that deserve a slab at multipliers (N - 1, d), by exact slopes."""
        while True:
            asked = self.asked(multipliers)
            dear = np.flatnonzero(asked > 1 + _WORTH)
            if not len(dear) or self.known[dear].any():
                return dear[self.known[dear]]
            self.learn(dear[np.argsort(-asked[dear], kind="stable")[:_BATCH]])

    def learn(self, indices: NDArray[np.intp]) -> None:
        """Compute the slopes of the sets with indices (A,), and raise the lower bounds of other sets by them."""
        fresh = indices[~self.known[indices]]
        if not len(fresh):
            return
        slopes, resting = self.separate(self.above[fresh])
        self.known[fresh] = True
        for index, slope, points in zip(fresh, slopes, resting, strict=True):
            inside, outside = points & self.above[index], points & ~self.above[index]
            if np.isfinite(slope):
                same = self.above[:, inside].all(1) & ~self.above[:, outside].any(1)
                turned = self.above[:, outside].all(1) & ~self.above[:, inside].any(1)
                raised = (same | turned) & ~self.known
                self.slopes[raised] = np.maximum(self.slopes[raised], slope * (1 - 1e-12))
        self.slopes[fresh] = slopes

    def find(self, sets: Sides) -> NDArray[np.intp]:
        """The indices of sets (R, N), or of their complements; sets that are not in the list are added."""
        sets = np.where(sets[:, :1], ~sets, sets)
        at = {row.tobytes(): index for index, row in enumerate(self.above)}
        new = [row for row in sets if row.any() and row.tobytes() not in at]
        if new:
            rows = np.unique(np.stack(new), axis=0)
            at |= {row.tobytes(): len(self.above) + index for index, row in enumerate(rows)}
            self.above = np.concatenate([self.above, rows])
            self.slopes = np.concatenate([self.slopes, np.zeros(len(rows))])
            self.known = np.concatenate([self.known, np.zeros(len(rows), dtype=bool)])
        return np.array([at[row.tobytes()] for row in sets if row.any()], dtype=np.intp)


def least_jumps(
    sets: Dichotomies, points: Array, columns: NDArray[np.intp]
) -> tuple[NDArray[np.intp], Pursuit] | None:
    """Minimise sum_S m_S |a_S| subject to sum_{S contains n} a_S = x_n - x_0 over the dichotomies.

    Column generation: multipliers y (N - 1, d) of the sets that are in ask |sum_{n in S} y_n| of others, until
    none is worth its slope m_S. For points x (N, d), from the sets with indices columns (A,). Returns the indices
    of the sets and their jumps; None if no slabs interpolate. Raises ArithmeticError where it does not converge.
    """
    edges = points[1:] - points[0]
    reserves, gaps = iter((cuts(points), None)), iter(_GAPS[1:])
    gap = _GAPS[0]
    sets.learn(columns)
    for _ in range(_ROUNDS):
        columns = columns[np.isfinite(sets.slopes[columns])]
        rows = sets.above[columns, 1:].astype(float)
        solved = group_basis_pursuit(rows, edges, sets.slopes[columns], gap) if len(columns) else None
        if solved is None:
            more = next(reserves, rows)
            if more is rows:
                return None
            columns = np.arange(len(sets.above)) if more is None else np.union1d(columns, sets.find(more))
            sets.learn(columns)
            continue
        fresh = np.setdiff1d(sets.worth(solved.multipliers), columns)
        if not len(fresh) and gap > _GAPS[-1]:
            gap = next(gaps)
            continue
        if not len(fresh) and not sets.complete and sets.known.sum() < _TRIED:
            active = np.linalg.norm(solved.groups, axis=1) > _IDLE * np.abs(edges).max()
            sets.find(neighbours(sets.above[columns[active]]))
            fresh = np.setdiff1d(sets.worth(solved.multipliers), columns)
        if not len(fresh):
            return columns, solved
        asked = sets.asked(solved.multipliers)
        best = fresh[np.argsort(-asked[fresh], kind="stable")[:_BATCH]]
        columns = np.union1d(columns[asked[columns] > _NEAR], best)
    raise ArithmeticError(f"slabs are not settled after {_ROUNDS} rounds")


def cuts(points: Array) -> Sides:
    """The sets (R, N) of points (N, d) that hyperplanes across the direction of any two points cut off."""
    first, second = np.triu_indices(len(points), 1)
    heights = points @ (points[second] - points[first]).T
    order = np.argsort(np.argsort(heights, axis=0, kind="stable"), axis=0).T  # (P, N) the rank of each point
    sets = order[:, None] >= np.arange(1, len(points))[:, None]
    return np.unique(sets.reshape(-1, len(points)), axis=0)


def neighbours(sets: Sides) -> Sides:
    """The sets (R, N) with one point more or less."""
    count = sets.shape[1]
    return (sets[:, None] ^ np.eye(count, dtype=bool)).reshape(-1, count)
