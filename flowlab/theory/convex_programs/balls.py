"""The cheapest slabs over all dichotomies that interpolate balls."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from attrs import frozen
from torch import Tensor

from flowlab.theory.convex_programs.dichotomies import Array, Sides
from flowlab.theory.convex_programs.lifts import Lifts, least_lifts
from flowlab.theory.convex_programs.widest_slabs import WidestSlabs
from flowlab.theory.networks.slabs import Slabs, concat_slabs


@frozen
class _Balls:
    """Slopes and slabs for balls of one radius rho: the slabs are 2 rho narrower than those between the hulls."""

    hulls: WidestSlabs
    rho: float

    def __call__(self, above: Sides) -> tuple[Array, Sides]:
        """The slopes |w| (R,) of the slabs for sets above (R, N), and the balls that they touch (R, N)."""
        slabs, touching = self.hulls.of(above)
        return self._slopes(slabs), touching

    def _slopes(self, slabs: Array) -> Array:
        width = 1 / np.linalg.norm(slabs[:, :-1], axis=1) - 2 * self.rho  # nan where nothing separates
        return np.where(width > 0, 1 / np.where(width > 0, width, 1.0), np.inf)

    def slabs(self, lifts: Lifts) -> Slabs:
        """The one-level bank of slabs with these sets and jumps."""
        hulls, _ = self.hulls.of(lifts.above)
        gaps, slopes = 1 / np.linalg.norm(hulls[:, :-1], axis=1), self._slopes(hulls)
        narrow = hulls * (gaps * slopes)[:, None]
        narrow[:, -1] -= self.rho * slopes
        offset, jumps, slabs = (torch.from_numpy(part)[None] for part in (lifts.offset, lifts.jumps, narrow))
        return Slabs(offset, jumps, slabs[..., :-1], slabs[..., -1])


def slabs_on_balls(points: Tensor) -> Callable[[Tensor], Slabs]:
    """The cheapest slabs over all dichotomies of points (N, d) that map each ball B(x_n, rho) to x_n.

    h(y) = c + sum_S a_S clip((e_S . (y - q_S) - rho) / (D_S - 2 rho), 0, 1), where D_S is the distance from the
    hull of the other points to the hull of those in S, e_S its direction and q_S the nearest point of the other
    hull. (c, a) minimise sum_S 2 |a_S| / (D_S - 2 rho) subject to c + sum_{S contains n} a_S = x_n. The cost is an
    upper bound of the least cost of a network. The returned function takes rho (L,) and raises ValueError where no
    such slabs interpolate. For more than 14 points only some of the dichotomies are tried.
    """
    places = points.detach().cpu().double()
    hulls = WidestSlabs(places[:, None])

    def closed_form(rho: Tensor) -> Slabs:
        banks: list[Slabs | None] = []
        for radius in rho.double().tolist():
            balls = _Balls(hulls, radius)
            lifts = least_lifts(places, balls, lambda: True, None)
            if lifts is None:
                raise ValueError(
                    f"balls of radius {rho.max():.4g} are too large: rho must be below {_limit(hulls):.4g}"
                )
            banks.append(balls.slabs(lifts))
        return concat_slabs(banks, points)

    return closed_form


def _limit(hulls: WidestSlabs) -> float:
    """The radius up to which N - 1 slabs of independent sets exist, N the number of points."""
    rows = hulls.gaps()
    count = len(hulls.samples)
    independent = np.ones((1, count))
    width = 0.0
    for row in sorted(rows, key=lambda row: -np.nan_to_num(rows[row])):
        extended = np.vstack([independent, np.frombuffer(row, dtype=bool)])
        if np.linalg.matrix_rank(extended) == len(extended):
            independent, width = extended, rows[row]
    return float(width / 2)
