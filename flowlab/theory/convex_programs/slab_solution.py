"""The slab denoiser of a training set: interpolation of every sample at the least cost of any slabs."""

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
    """Slabs through all samples, usable (L,) where they exist, and a lower bound on the cost of slabs, bound (L,).

    The bound is nan where not all dichotomies were priced; the cost is then only an upper bound of the least cost
    of slabs. `complete` is False where dichotomies were left out and no theorem for balls says that they do not
    matter. Levels without a solution hold nan.
    """

    slabs: Slabs
    usable: Tensor
    bound: Tensor
    complete: bool


def slab_solution(samples: Tensor, points: Tensor, pattern: Tensor | None) -> tuple[Slabs, Tensor]:
    """The slabs of `least_slabs`, and the levels that have them, usable (L,).

    For samples (L, N, M, d), points (N, d) and pattern (R, N). Raises ArithmeticError where a solver fails.
    """
    solved = least_slabs(samples, points, pattern)
    return solved.slabs, solved.usable


def least_slabs(samples: Tensor, points: Tensor, pattern: Tensor | None) -> SlabSolution:
    """The cheapest slabs over all dichotomies through all samples (L, N, M, d) of points (N, d).

    h = c + sum_S a_S clip(w_S . y + b_S, 0, 1) with sets S of points and max-margin (w_S, b_S); (c, a) minimise
    sum_S 2 |a_S| |w_S| subject to c + sum_{S contains n} a_S = x_n. One slab per point about the weighted
    Fermat-Weber point c, or the slabs of pattern (R, N), are the first candidate, and the result if no other slab
    lowers the cost. The cost is the least of all slabs where every dichotomy was priced. It is always an upper
    bound of the least cost of a network. Raises ArithmeticError where a solver fails.
    """
    places = points.detach().cpu().double()
    above = None if pattern is None else pattern.cpu().bool().numpy()
    levels: list[Slabs | None] = []
    bounds = []
    for level in samples.detach().cpu().double():
        margins = _Margins(WidestSlabs(level))
        lifts = least_lifts(places, margins, margins.separable, above)
        levels.append(None if lifts is None else margins.slabs(lifts))
        bounds.append(lifts.bound if lifts is not None and lifts.complete else torch.nan)
    usable = torch.tensor([slabs is not None for slabs in levels], device=samples.device)
    complete = len(points) <= MOST_POINTS or optimal_on_balls(places, above)
    bound = torch.tensor(bounds, dtype=torch.float64).to(samples)
    return SlabSolution(concat_slabs(levels, points), usable, bound, complete)


@frozen
class _Margins:
    """The slopes of one level's samples (N, M, d), and the slabs that have them."""

    widest: WidestSlabs

    def __call__(self, above: Sides) -> tuple[Array, Sides]:
        """The slopes |w| (R,) of the slabs for sets above (R, N), and the clusters that they touch (R, N)."""
        slabs, touching = self.widest.of(above)
        return np.nan_to_num(np.linalg.norm(slabs[:, :-1], axis=1), nan=np.inf), touching

    def separable(self) -> bool:
        """Whether a hyperplane separates every two clusters; otherwise no slabs can interpolate."""
        first_only, samples = torch.tensor([[True, False]]), self.widest.samples
        means = samples.mean(1)
        first, second = torch.triu_indices(len(means), len(means), 1)
        # the nearest pair first: it is the most likely to be inseparable
        order = (means[first] - means[second]).norm(dim=-1).argsort()
        pairs = zip(first[order].tolist(), second[order].tolist(), strict=True)
        return all(bool(separate(samples[None, list(pair)], first_only).feasible.all()) for pair in pairs)

    def slabs(self, lifts: Lifts) -> Slabs:
        """The one-level bank of slabs with these sets and jumps."""
        flipped = torch.from_numpy(lifts.above[:, 0])  # slabs are stored for sets without the first point
        sides = lifts.above ^ lifts.above[:, :1]
        slabs = torch.from_numpy(self.widest.of(sides)[0])
        weights, biases = slabs[:, :-1], slabs[:, -1]
        weights = torch.where(flipped[:, None], -weights, weights)
        biases = torch.where(flipped, 1 - biases, biases)
        offset, jumps = torch.from_numpy(lifts.offset), torch.from_numpy(lifts.jumps)
        return Slabs(offset[None], jumps[None], weights[None], biases[None])
