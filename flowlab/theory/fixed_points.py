"""Every fixed point of a small ReLU denoiser, region by region."""

from __future__ import annotations

import torch
from attrs import frozen
from torch import Tensor

from flowlab.theory.relu_network import ReluNetwork
from flowlab.theory.subset_sums import patterns

# 2^16 regions are as many as are worth a linear system each.
MOST_NEURONS = 16
_BLOCK = 4096
# Rounding of heights about a point of size one; a point this near a kink belongs to both sides.
_EDGE = 1e-9


@frozen
class FixedPoints:
    """points (F, d) with h(y) = y, and which of them are stable: (F,).

    On `singular` regions, or their continuation, is a line of solutions: nothing is said of them.
    """

    points: Tensor
    stable: Tensor
    singular: int


def all_fixed_points(network: ReluNetwork) -> FixedPoints:
    """All solutions of h(y) = y for a one-level network of K neurons, by enumeration of 2^K regions.

    Where the neurons of a set s are active h(y) = J_s y + c_s, so y = (I - J_s)^{-1} c_s is the only candidate;
    it counts if its own neurons are s. The flow dy/dr = h(y) - y returns to it if and only if all eigenvalues
    of J_s have real part below 1; a point on a kink is stable if it is so on every side. Raises ValueError for
    more than 16 neurons.
    """
    count = network.inner.shape[1]
    if count > MOST_NEURONS:
        raise ValueError(f"2^{count} regions are too many to enumerate: at most {MOST_NEURONS} neurons")
    outer, inner, biases = network.outer[0], network.inner[0], network.biases[0]
    places, flags, singular = [], [], 0
    identity = torch.eye(inner.shape[1]).to(inner)
    for active in patterns(count).to(inner).split(_BLOCK):
        jacobian = (outer.mT * active[:, None]) @ inner + network.skip[0]
        constant = (active * biases) @ outer + network.offset[0]
        solution, info = torch.linalg.solve_ex(identity - jacobian, constant[..., None])
        y = solution[..., 0]
        solved = (info == 0) & (y.isfinite().all(-1)) & (y.norm(dim=-1) < 1 / _EDGE)
        singular += int(_solvable((identity - jacobian)[~solved], constant[~solved]).sum())
        heights = (y @ inner.mT + biases) / inner.norm(dim=-1).clamp_min(1e-300)
        own = torch.where(active > 0, heights >= -_EDGE, heights <= _EDGE).all(-1) & solved
        places.append(y[own])
        flags.append(torch.linalg.eigvals(jacobian[own]).real.amax(-1) < 1)
    return _merged(torch.cat(places), torch.cat(flags), singular)


def _solvable(matrices: Tensor, constants: Tensor) -> Tensor:
    """Which singular systems (B, d, d) have solutions all the same, to rounding: (B,)."""
    nearest = torch.linalg.pinv(matrices, rtol=_EDGE) @ constants[..., None]
    return (matrices @ nearest - constants[..., None]).norm(dim=(1, 2)) <= _EDGE


def _merged(points: Tensor, stable: Tensor, singular: int) -> FixedPoints:
    """Count a point on a kink once, stable if it is so from every side."""
    # not by matrix products, which would round the distance of a point from itself to 1e-8
    near = torch.cdist(points, points, compute_mode="donot_use_mm_for_euclid_dist") <= 10 * _EDGE
    first = near.to(torch.int8).argmax(-1) if len(points) else torch.zeros(0, dtype=torch.long)
    alone = first == torch.arange(len(points)).to(first)
    everywhere = (stable | ~near).all(-1)
    return FixedPoints(points[alone], everywhere[alone], singular)
