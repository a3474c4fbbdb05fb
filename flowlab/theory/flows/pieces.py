"""The affine pieces of a shallow ReLU network that meet at a point, and whether it is stable on all of them."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from flowlab.theory.flows.spectrum import distance_growth, worst_growth
from flowlab.theory.geometry.subset_sums import subset_masks
from flowlab.theory.networks.relu_network import ReluNetwork

# A point where more kinks meet is undecided: k kinks make up to 2^k pieces.
MOST_KINKS = 10
# Random directions that find the pieces about a point where the normals of its kinks are dependent.
_DIRECTIONS = 512
_BLOCK = 2048


def stability(network: ReluNetwork, points: Tensor, slack: float) -> tuple[Tensor, Tensor]:
    """The fixed points (P, d) of a one-level network that are stable, and those that are undecided: (P,) each.

    Stable: on every piece that meets the point, all eigenvalues of the Jacobian J have real part below 1 by more
    than `slack`. A kink meets a point within the distance `slack`. Where the normals of the k kinks are
    independent, all 2^k pieces meet the point. On a kink, pieces that each attract can together repel. So there
    the distance from the point also has to decrease on every piece: all eigenvalues of the symmetric part of J are
    below 1. Undecided: this second condition fails while the first holds; or more than 10 kinks meet; or an
    eigenvalue is 1 to within the slack; or the normals are dependent and the only unstable pieces among the 2^k
    may not exist. A point that is neither has an eigenvalue above 1 on some piece. On a kink this alone does not
    prove that it repels.
    """
    inner, outer = network.inner[0], network.outer[0]
    length = inner.norm(dim=-1)
    alive = (length > 0) & (outer.norm(dim=-1) > 0)
    heights = points @ inner.mT + network.biases[0]
    near = alive & (heights.abs() <= slack * length)
    active = (heights > 0) & ~near
    count = near.sum(-1)
    stable, undecided = torch.zeros_like(count, dtype=torch.bool), count > MOST_KINKS
    for kinks in count[~undecided].unique().tolist():
        for block in (count == kinks).nonzero()[:, 0].split(max(1, _BLOCK >> kinks)):
            verdict = _judge_pieces(network, active[block], near[block], kinks, slack)
            stable[block], undecided[block] = verdict
    return stable, undecided


def _judge_pieces(
    network: ReluNetwork, active: Tensor, near: Tensor, kinks: int, slack: float
) -> tuple[Tensor, Tensor]:
    """The stable and the undecided (P,) of points with `kinks` near neurons (P, K) and active ones (P, K)."""
    pieces = _pieces(active, near, kinks)
    growth = _growth(network, pieces, worst_growth).unflatten(0, (len(active), -1))
    stable, unstable = (growth < 1 - slack).all(-1), (growth > 1 + slack).any(-1)
    if kinks and bool(stable.any()):
        distance = _growth(network, pieces, distance_growth).unflatten(0, (len(active), -1))
        stable = stable & (distance < 1 - slack).all(-1)
    if kinks > 1:
        neurons = near.nonzero()[:, 1].reshape(-1, kinks)
        normals = (network.inner[0] / network.inner[0].norm(dim=-1, keepdim=True))[neurons]
        dependent = torch.linalg.matrix_rank(normals, rtol=1e-6) < kinks
        for point in (dependent & ~stable).nonzero()[:, 0].tolist():
            signs = _sampled_signs(normals[point])
            index = (signs * 2 ** torch.arange(kinks).to(signs.device)).sum(-1)
            unstable[point] = bool((growth[point, index] > 1 + slack).any())
    return stable, ~stable & ~unstable


def _pieces(active: Tensor, near: Tensor, kinks: int) -> Tensor:
    """The 2^k activation patterns of each point, with each near neuron active or not: (P * 2^k, K)."""
    pieces = active[:, None].repeat(1, 2**kinks, 1)
    if kinks:
        neurons = near.nonzero()[:, 1].reshape(-1, 1, kinks).expand(-1, 2**kinks, -1)
        pieces.scatter_(2, neurons, subset_masks(kinks).to(active.device).expand(len(active), -1, -1))
    return pieces.flatten(0, 1)


def _growth(network: ReluNetwork, pieces: Tensor, measure: Callable[[Tensor], Tensor]) -> Tensor:
    """A measure of the Jacobian on each of the pieces (B, K): (B,)."""
    outer, inner, skip = network.outer[0], network.inner[0], network.skip[0]
    blocks = [(outer.mT * piece[:, None]) @ inner + skip for piece in pieces.to(inner).split(_BLOCK)]
    return torch.cat([measure(block) for block in blocks])


def _sampled_signs(normals: Tensor) -> Tensor:
    """The signs of the kinks with normals (k, d) in random directions (B, k): such a piece meets the point."""
    generator = torch.Generator().manual_seed(0)
    directions = torch.randn(_DIRECTIONS, normals.shape[-1], generator=generator, dtype=torch.float64)
    return (directions.to(normals) @ normals.mT > 0).unique(dim=0).long()
