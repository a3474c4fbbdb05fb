"""Subset sums of edges: the nearest one, samples of them, and those that a denoiser fixes."""

from __future__ import annotations

import itertools
import math
from typing import Literal

import torch
from torch import Tensor

from flowlab.theory.networks.slabs import Slabs

Metric = Literal["linf", "l2"]

# Up to this many edges all 2^E sums are enumerated; for more, coordinates are rounded.
_ENUMERATED = 12


def norm(vectors: Tensor, metric: Metric) -> Tensor:
    """The norm of vectors (..., d) in ambient coordinates, L-infinity or Euclidean: (...)."""
    return torch.linalg.vector_norm(vectors, math.inf if metric == "linf" else 2, dim=-1)


def subset_masks(edges: int, rays: Tensor | None = None) -> Tensor:
    """All 2^E subsets of E edges as masks (P, E) bool, the empty subset first.

    With rays (E,), the number of each edge's ray, only subsets with at most one edge of each ray: P < 2^E.
    """
    subsets = (torch.arange(2**edges)[:, None] >> torch.arange(edges)) & 1 > 0
    if rays is None:
        return subsets
    members = torch.nn.functional.one_hot(rays.cpu().unique(return_inverse=True)[1])
    return subsets[(subsets.long() @ members <= 1).all(-1)]


def nearest_sum(
    anchor: Tensor,
    edges: Tensor,
    y: Tensor,
    metric: Metric,
    least: int = 0,
    most: int | None = None,
    rays: Tensor | None = None,
) -> Tensor:
    """The distance of y (S, d) to the nearest subset sum of `least` to `most` edges (S,); inf if there is none.

    The sums are anchor (d,) plus some of the edges (E, d). With rays (E,) a sum has at most one edge of each ray;
    this is for up to 12 edges, else it raises ValueError. The distance is exact for up to 12 edges. For more, the
    coordinates in the edges are rounded to 0 or 1, and the cheapest of them are flipped where this gives too few
    or too many edges. This is exact for orthogonal edges in l2 and, if they lie along the axes, in linf. Elsewhere
    it is an upper bound.
    """
    cap = len(edges) if most is None else min(most, len(edges))
    if cap < least:
        return y.new_full((len(y),), math.inf)
    if not len(edges):
        return norm(y - anchor, metric)
    if len(edges) <= _ENUMERATED:
        subsets = subset_masks(len(edges), rays)
        order = subsets.sum(-1)
        allowed = (order >= least) & (order <= cap)
        if not bool(allowed.any()):
            return y.new_full((len(y),), math.inf)
        sums = anchor + subsets[allowed].to(edges) @ edges
        # 64 points at a time: the differences of one point from 2^12 sums of 30 coordinates take a megabyte
        chunks = [norm(part[:, None] - sums, metric).amin(-1) for part in y.split(64)]
        return torch.cat(chunks)
    if rays is not None:
        raise ValueError(f"sums of {len(edges)} edges on common rays can't be enumerated: at most {_ENUMERATED}")
    share = (y - anchor) @ torch.linalg.pinv(edges)
    chosen = share > 0.5
    size = edges.norm(dim=-1)
    # what it costs to include each edge, negative where it saves; the cheapest edges come first
    penalty = size.square() * (1 - 2 * share) if metric == "l2" else size * (1 - share - chosen.to(share))
    rank = penalty.argsort(-1).argsort(-1)
    chosen = (chosen & (rank < cap)) | (rank < least)
    return norm(y - anchor - chosen.to(edges) @ edges, metric)


def sums_of(
    anchor: Tensor,
    edges: Tensor,
    order: int,
    most: int,
    generator: torch.Generator,
    rays: Tensor | None = None,
) -> tuple[Tensor, int]:
    """The sums of anchor (d,) and `order` of the edges (E, d), and the number of all such sums.

    All of them, or `most` at random without replacement where there are more: (P, d). With rays (E,) a sum has at
    most one edge of each ray.
    """
    if rays is not None:
        subsets = subset_masks(len(edges), rays)
        subsets = subsets[subsets.sum(-1) == order].to(edges)
        rows = torch.randperm(len(subsets), generator=generator)[:most].sort().values
        return anchor + subsets[rows] @ edges, len(subsets)
    total = math.comb(len(edges), order)
    if total <= most:
        chosen = torch.tensor(list(itertools.combinations(range(len(edges)), order)), dtype=torch.long)
    else:
        seen: dict[tuple[int, ...], None] = {}  # in the order of the draws: a cut of a sorted list is not random
        while len(seen) < most:
            draws = torch.rand(most, len(edges), generator=generator).topk(order).indices.sort().values
            seen.update(dict.fromkeys(map(tuple, draws.tolist())))
        chosen = torch.tensor(list(seen)[:most])
    return anchor + edges[chosen].sum(1), total


def fixed_points(slabs: Slabs) -> tuple[Tensor, Tensor]:
    """The subset sums c + sum_r s_r g_r that a one-level slab denoiser fixes, and where it is locally constant.

    Returns the patterns s (P, R) and the points (P, d). Raises ValueError for more than 16 slabs.
    """
    count = slabs.jumps.shape[1]
    if count > 16:
        raise ValueError(f"2^{count} subset sums are too many to enumerate")
    subsets = subset_masks(count)
    points = slabs.offset[0] + subsets.to(slabs.jumps) @ slabs.jumps[0]
    fixed = (slabs.values(points[None])[0] == subsets).all(-1)
    return subsets[fixed], points[fixed]
