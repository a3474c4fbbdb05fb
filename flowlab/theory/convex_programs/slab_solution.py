"""The slab denoiser of a training set: exact interpolation of every sample, at the least cost of any slabs."""

from __future__ import annotations

import numpy as np
import torch
from attrs import frozen
from torch import Tensor

from flowlab.theory.convex_programs.dichotomies import MOST_POINTS, Array, Sides
from flowlab.theory.convex_programs.lifts import Lifts, least_lifts, optimal_on_balls
from flowlab.theory.convex_programs.max_margin import separate
from flowlab.theory.convex_programs.widest_slabs import WidestSlabs
from flowlab.theory.networks.slabs import Slabs, concat_slabs


@frozen
class SlabSolution:
    """Slabs through all samples, `usable` (L,) where there are any, and a lower bound on the cost of slabs (L,).

    The bound is nan where not all dichotomies were priced: the cost is then an upper bound of the least.
    `complete` is False where some were left out without a theorem for balls that says they don't matter. Levels
    without a solution hold nan.
    """

    slabs: Slabs
    usable: Tensor
    bound: Tensor
    complete: bool


def slab_solution(samples: Tensor, points: Tensor, pattern: Tensor | None) -> tuple[Slabs, Tensor]:
    """The slabs of `least_slabs`, and the levels (L,) that have them."""
    solved = least_slabs(samples, points, pattern)
    return solved.slabs, solved.usable


def least_slabs(samples: Tensor, points: Tensor, pattern: Tensor | None) -> SlabSolution:
    """Slabs over all dichotomies through all samples (L, N, M, d), at least cost.

    h = c + sum_S a_S clip(w_S . y + b_S, 0, 1) with max-margin (w_S, b_S), S sets of points; minimise
    sum_S 2 |a_S| |w_S| subject to c + sum_{S contains n} a_S = x_n. One slab a point about the weighted
    Fermat-Weber point c, or those of the `pattern` (R, N), come first, and stay if no other slab lowers the cost.
    Least among slabs where every dichotomy was priced: an upper bound of the least cost of a network always.
    """
    places = points.detach().cpu().double()
    above = None if pattern is None else pattern.cpu().bool().numpy()
    levels: list[Slabs | None] = []
    bounds = []
    for level in samples.detach().cpu().double():
        margins = _Margins(WidestSlabs(level))
        lifts = least_lifts(places, margins, margins.told_apart, above)
        levels.append(None if lifts is None else margins.slabs(lifts))
        bounds.append(lifts.bound if lifts is not None and lifts.complete else torch.nan)
    usable = torch.tensor([one is not None for one in levels], device=samples.device)
    known = len(points) <= MOST_POINTS or optimal_on_balls(places, above)
    return SlabSolution(
        concat_slabs(levels, points), usable, torch.tensor(bounds, dtype=torch.float64).to(samples), known
    )


@frozen
class _Margins:
    """The slopes of one level's samples (N, M, d), and the slabs that have them."""

    widest: WidestSlabs

    def __call__(self, above: Sides) -> tuple[Array, Sides]:
        """Slopes |w| (R,) and the clusters touched (R, N)."""
        slabs, touching = self.widest.of(above)
        return np.nan_to_num(np.linalg.norm(slabs[:, :-1], axis=1), nan=np.inf), touching

    def told_apart(self) -> bool:
        """Whether a hyperplane parts every two clusters: without, no dichotomies tell their points apart."""
        one, samples = torch.tensor([[True, False]]), self.widest.samples
        means = samples.mean(1)
        first, second = torch.triu_indices(len(means), len(means), 1)
        # the nearest two first: where any are not apart, they most often are not
        order = (means[first] - means[second]).norm(dim=-1).argsort()
        pairs = zip(first[order].tolist(), second[order].tolist(), strict=True)
        return all(bool(separate(samples[None, list(pair)], one).feasible.all()) for pair in pairs)

    def slabs(self, lifts: Lifts) -> Slabs:
        """The bank of one that lifts as told."""
        turned = torch.from_numpy(lifts.above[:, 0])  # slabs were found for sets without the first point
        sides = lifts.above ^ lifts.above[:, :1]
        slabs = torch.from_numpy(self.widest.of(sides)[0])
        weights, biases = slabs[:, :-1], slabs[:, -1]
        weights, biases = torch.where(turned[:, None], -weights, weights), torch.where(turned, 1 - biases, biases)
        offset, jumps = torch.from_numpy(lifts.offset), torch.from_numpy(lifts.jumps)
        return Slabs(offset[None], jumps[None], weights[None], biases[None])
