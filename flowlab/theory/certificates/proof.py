"""Lower bounds on the cost of interpolation that are proved, rounding included."""

from __future__ import annotations

import torch
from attrs import frozen
from torch import Tensor

from flowlab.theory.certificates.demand_bound import DemandBound, demand_bound
from flowlab.theory.geometry.frame import standard_frame
from flowlab.theory.networks.relu_network import ReluNetwork

_UNIT = 2.0**-53


@frozen
class Proof:
    """A proof that no network that interpolates exactly costs less than `bound`, from a bound on the demand."""

    bound: float
    demand: DemandBound


def gap_above(bound: float, network: ReluNetwork) -> float:
    """The gap 1 - bound / cost of a one-level network, with the rounding of its cost; 0 where the cost is zero.

    The cost is above the least cost by at most this share of it.
    """
    cost = float(network.balanced_cost[0])
    rounding = (network.outer[0].numel() + 8) * 2.0**-52  # of the cost's sums
    return 1 - bound / (cost * (1 + rounding)) if cost > 0 else 0.0


def proved_bound(multipliers: Tensor, samples: Tensor, targets: Tensor, threshold: float, regions: int) -> Proof:
    """The proved bound sum_i z_i . x_i / g, where `demand_bound` bounds g from above.

    For projected multipliers z (Q, d), samples y (Q, d) and targets x (Q, d).

    The samples are moved, y' = (y - m) / s. In floating point the projections
    E = (sum_i z_i y'_i^T, sum_i z_i) are no exact zeros, but there are exact multipliers z + delta with
    |delta| <= |E| / sigma_min of the rows (y'_i, 1), and the bound is theirs: |delta| |x'| is taken off its
    numerator, |delta| sqrt(Q) 2 max |y'| added to g. u = 2^-53; a sum of Q products is off by at most
    (Q + 2) u times the sum of their sizes, y' by u |y'|. Flat samples, sigma_min = 0, prove nothing.
    """
    frame = standard_frame(samples)
    # a coordinate that is the same for all samples acts as a bias does, at some cost
    y, x = frame.inside(samples)[:, (samples != samples[:1]).any(0)], frame.inside(targets)
    multipliers = multipliers * frame.scale
    rows = torch.cat([y, torch.ones_like(y[:, :1])], -1)
    size, width = rows.shape
    demand = demand_bound(multipliers, y, threshold, regions)
    reach, weights = rows.norm(dim=-1), multipliers.norm(dim=-1)
    spread = torch.linalg.svdvals(rows) if size >= width else rows.new_zeros(width)
    # the SVD is backward stable, and y' off by u
    least = float(spread[-1]) - 64 * (size + width) * _UNIT * float(spread[0])
    if least <= 0:
        return Proof(0.0, demand)
    residual = float((rows.mT @ multipliers).norm()) + (size + 8) * _UNIT * float((weights * reach).sum())
    correction = residual / least
    far = 2 * float(reach.max())
    upper = demand.upper + correction * size**0.5 * far + 8 * _UNIT * far * float(weights.sum())
    numerator = float((multipliers * x).sum())
    numerator -= correction * float(x.norm()) + (size * x.shape[1] + 8) * _UNIT * float(
        (multipliers * x).abs().sum()
    )
    return Proof(max(0.0, numerator / upper * (1 - 64 * _UNIT)) if upper > 0 else 0.0, demand)
