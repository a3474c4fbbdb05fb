"""Where a flow in one region first meets a kink."""

from __future__ import annotations

import torch
from torch import Tensor

from flowlab.theory.flows.affine_regions import AffineRegions
from flowlab.theory.flows.first_crossing import first_crossing, powers


def first_kink(
    regions: AffineRegions, y: Tensor, active: Tensor, series: Tensor, heights: Tensor, length: Tensor
) -> tuple[Tensor, Tensor]:
    """The share of the step after which the first height changes its sign, inf for none; and which: (S,) each."""
    # |w_k| = 1: no height changes by more than y moves
    sizes = series[1:].norm(dim=-1) * powers(length, len(series)).mT[1:]
    near = heights[0].abs() <= regions.rounding(y)
    start, neuron = (near | (heights[0].abs() <= sizes.sum(0)[:, None])).nonzero(as_tuple=True)
    shares = torch.full_like(heights[0], torch.inf)
    if not shares.shape[1]:
        return torch.full_like(length, torch.inf), torch.zeros_like(length, dtype=torch.long)
    if len(start):
        sign = torch.where(active[start, neuron], 1.0, -1.0).to(y)
        terms = heights[:, start, neuron].mT * powers(length, len(heights))[start] * sign[:, None]
        # from a kink the flow moves away: divided by tau, the polynomial has no zero at the start
        divided = torch.cat([terms[:, 1:], torch.zeros_like(terms[:, :1])], -1)
        terms = torch.where(near[start, neuron][:, None], divided, terms)
        # what rounding left on the wrong side is on the kink
        terms[:, 0].clamp_min_(0)
        shares[start, neuron] = first_crossing(terms)
    first = shares.min(-1)
    return first.values, first.indices
