"""Slabs over all dichotomies for balls in place of samples."""

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
    """Slopes and slabs for balls of one radius rho: 2 rho narrower than those between the hulls."""

    hulls: WidestSlabs
    rho: float

    def __call__(self, above: Sides) -> tuple[Array, Sides]:
        slabs, touching = self.hulls.of(above)
        return self._slopes(slabs), touching

    def _slopes(self, slabs: Array) -> Array:
        width = 1 / np.linalg.norm(slabs[:, :-1], axis=1) - 2 * self.rho  # nan where nothing separates
        return np.where(width > 0, 1 / np.where(width > 0, width, 1.0), np.inf)

    def slabs(self, lifts: Lifts) -> Slabs:
        """The bank of one that lifts as told."""
        hulls, _ = self.hulls.of(lifts.above)
        gaps, slopes = 1 / np.linalg.norm(hulls[:, :-1], axis=1), self._slopes(hulls)
        narrow = hulls * (gaps * slopes)[:, None]
        narrow[:, -1] -= self.rho * slopes
        offset, jumps, slabs = (torch.from_numpy(part)[None] for part in (lifts.offset, lifts.jumps, narrow))
        return Slabs(offset, jumps, slabs[..., :-1], slabs[..., -1])


def slabs_on_balls(points: Tensor) -> Callable[[Tensor], Slabs]:
    """The cheapest slabs that map each ball B(x_n, rho) to x_n, over all dichotomies of points (N, d).

    h(y) = c + sum_S a_S clip((e_S . (y - q_S) - rho) / (D_S - 2 rho), 0, 1): D_S the distance of the hull of the
    points in S from that of the others, e_S its direction, q_S its end at the others; (c, a) minimise
    sum_S 2 |a_S| / (D_S - 2 rho) subject to c + sum_{S contains n} a_S = x_n. An upper bound of the least cost of
    a network. The returned function takes rho (L,); it raises ValueError where no such slabs interpolate.
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
    """The radius up to which the slabs of independent sets remain, as many as points but one."""
    rows = hulls.gaps()
    count = len(hulls.samples)
    chosen = np.ones((1, count))
    width = 0.0
    for row in sorted(rows, key=lambda row: -np.nan_to_num(rows[row])):
        wider = np.vstack([chosen, np.frombuffer(row, dtype=bool)])
        if np.linalg.matrix_rank(wider) == len(wider):
            chosen, width = wider, rows[row]
    return float(width / 2)
