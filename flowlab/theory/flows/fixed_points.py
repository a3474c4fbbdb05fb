"""Every fixed point of a small ReLU denoiser, region by region."""

from __future__ import annotations

import torch
from attrs import frozen
from torch import Tensor

from flowlab.theory.flows.pieces import stability
from flowlab.theory.geometry.frame import Frame
from flowlab.theory.geometry.subset_sums import subset_masks
from flowlab.theory.networks.relu_network import ReluNetwork

# 2^16 regions, with one linear system each, are as many as are affordable.
MOST_NEURONS = 16
_BLOCK = 4096
# The rounding of heights in the frame, where lengths are of size one; a point this near a kink is on both sides.
_EDGE = 1e-9


@frozen
class FixedPoints:
    """The fixed points of a denoiser: points (F, d) with h(y) = y.

    stable (F,) and undecided (F,) have the meaning of `flowlab.theory.flows.attractors`. `singular` is the number
    of regions in which the solutions of h(y) = y form a line or more; nothing is decided about these.
    """

    points: Tensor
    stable: Tensor
    undecided: Tensor
    singular: int


def all_fixed_points(network: ReluNetwork, frame: Frame | None = None) -> FixedPoints:
    """All solutions of h(y) = y for a one-level network of K neurons, by enumeration of 2^K regions.

    Where exactly the neurons of a set s are active, h(y) = J_s y + c_s, so y = (I - J_s)^{-1} c_s is the only
    candidate. It is a solution if its own active set is s. A point on a kink is counted once. `frame` gives the
    length against which tolerances are measured; without a frame, lengths are of size one about the origin. Raises
    ValueError for more than 16 neurons.
    """
    count = network.inner.shape[1]
    if count > MOST_NEURONS:
        raise ValueError(f"2^{count} regions are too many to enumerate: at most {MOST_NEURONS} neurons")
    if frame is None:
        frame = Frame(network.offset[0] * 0, 1.0)
    edge = max(_EDGE, 100 * frame.rounding)
    network = frame.network_inside(network)
    outer, inner, biases = network.outer[0], network.inner[0], network.biases[0]
    solutions, singular = [], 0
    identity = torch.eye(inner.shape[1]).to(inner)
    for active in subset_masks(count).to(inner).split(_BLOCK):
        jacobian = (outer.mT * active[:, None]) @ inner + network.skip[0]
        constant = (active * biases) @ outer + network.offset[0]
        solution, info = torch.linalg.solve_ex(identity - jacobian, constant[..., None])
        y = solution[..., 0]
        regular = (info == 0) & (y.isfinite().all(-1)) & (y.norm(dim=-1) < 1 / edge)
        singular += int(_solvable((identity - jacobian)[~regular], constant[~regular], edge).sum())
        # a neuron without weights has the same state everywhere
        length = inner.norm(dim=-1)
        heights = (y @ inner.mT + biases) / torch.where(length > 0, length, torch.ones_like(length))
        consistent = torch.where(active > 0, heights >= -edge, heights <= edge).all(-1) & regular
        solutions.append(y[consistent])
    points = _drop_duplicates(torch.cat(solutions), 10 * edge)
    stable, undecided = stability(network, points, 10 * edge)
    return FixedPoints(frame.outside(points), stable, undecided, singular)


def _solvable(matrices: Tensor, constants: Tensor, edge: float) -> Tensor:
    """The singular systems (B, d, d) that have solutions, to rounding: (B,)."""
    nearest = torch.linalg.pinv(matrices, rtol=edge) @ constants[..., None]
    return (matrices @ nearest - constants[..., None]).norm(dim=(1, 2)) <= edge


def _drop_duplicates(points: Tensor, radius: float) -> Tensor:
    """The points (P, d) without those within the radius of an earlier one."""
    # not by matrix products, which would round the distance of a point from itself to 1e-8
    near = torch.cdist(points, points, compute_mode="donot_use_mm_for_euclid_dist") <= radius
    first = near.to(torch.int8).argmax(-1) if len(points) else torch.zeros(0, dtype=torch.long)
    return points[first == torch.arange(len(points)).to(first)]
