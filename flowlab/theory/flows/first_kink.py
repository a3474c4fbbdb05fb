"""The first kink that a flow in one region meets."""

from __future__ import annotations

import torch
from torch import Tensor

from flowlab.theory.flows.affine_regions import AffineRegions
from flowlab.theory.flows.first_crossing import first_crossing, powers


def first_kink(
    regions: AffineRegions, y: Tensor, active: Tensor, series: Tensor, heights: Tensor, length: Tensor
) -> tuple[Tensor, Tensor]:
    """The share of the step after which a height first changes its sign, inf for none, and its neuron: (S,) each.

    From y (S, d) in the regions active (S, K). The power series of the state, series (n + 1, S, d), and of the
    heights (n + 1, S, K) serve for steps of length (S,).
    """
    # |w_k| = 1: no height changes by more than y moves
    sizes = series[1:].norm(dim=-1) * powers(length, len(series)).mT[1:]
    on_kink = heights[0].abs() <= regions.rounding(y)
    start, neuron = (on_kink | (heights[0].abs() <= sizes.sum(0)[:, None])).nonzero(as_tuple=True)
    shares = torch.full_like(heights[0], torch.inf)
    if not shares.shape[1]:
        return torch.full_like(length, torch.inf), torch.zeros_like(length, dtype=torch.long)
    if len(start):
        sign = torch.where(active[start, neuron], 1.0, -1.0).to(y)
        terms = heights[:, start, neuron].mT * powers(length, len(heights))[start] * sign[:, None]
        # a flow that starts on a kink moves away from it: divided by tau, the polynomial has no root at the start
        divided = torch.cat([terms[:, 1:], torch.zeros_like(terms[:, :1])], -1)
        terms = torch.where(on_kink[start, neuron][:, None], divided, terms)
        # a height that rounding put on the wrong side is on the kink
        terms[:, 0].clamp_min_(0)
        shares[start, neuron] = first_crossing(terms)
    first = shares.min(-1)
    return first.values, first.indices
