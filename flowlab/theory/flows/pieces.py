"""The affine pieces of a shallow ReLU network that meet at a point, and whether it is stable on all of them."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from flowlab.theory.flows.spectrum import distance_growth, worst_growth
from flowlab.theory.geometry.subset_sums import subset_masks
from flowlab.theory.networks.relu_network import ReluNetwork

# A point where more kinks meet is left undecided: k of them make up to 2^k pieces.
MOST_KINKS = 10
# Directions in which the pieces about a point are looked for where its kinks depend on each other.
_DIRECTIONS = 512
_BLOCK = 2048


def stability(network: ReluNetwork, points: Tensor, slack: float) -> tuple[Tensor, Tensor]:
    """Which fixed points (P, d) of a one-level network are stable, and of which that is undecided: (P,) each.

    Stable: all eigenvalues of the Jacobian have real part below 1, by more than `slack`, on every piece that
    meets the point; a kink meets it within a distance of `slack`. Where the normals of the k kinks are
    independent all 2^k pieces do. On a kink pieces that each attract can together repel, so there the distance
    from the point has to fall on every piece: no eigenvalue of the symmetric part of J reaches 1. Undecided: it
    does so, though the eigenvalues of J are below 1; more than 10 kinks; an eigenvalue is 1 to within the slack;
    the normals depend on each other, and the only unstable pieces among the 2^k may not exist. A point that is
    neither has an eigenvalue above 1 on some piece: on a kink that alone doesn't prove that it repels.
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
        for mine in (count == kinks).nonzero()[:, 0].split(max(1, _BLOCK >> kinks)):
            verdict = _on_all_pieces(network, active[mine], near[mine], kinks, slack)
            stable[mine], undecided[mine] = verdict
    return stable, undecided


def _on_all_pieces(
    network: ReluNetwork, active: Tensor, near: Tensor, kinks: int, slack: float
) -> tuple[Tensor, Tensor]:
    """Stability and indecision (P,) of points at which `kinks` neurons are near, beside the active (P, K)."""
    pieces = _pieces(active, near, kinks)
    growth = _growth(network, pieces, worst_growth).unflatten(0, (len(active), -1))
    stable, unstable = (growth < 1 - slack).all(-1), (growth > 1 + slack).any(-1)
    if kinks and bool(stable.any()):
        distance = _growth(network, pieces, distance_growth).unflatten(0, (len(active), -1))
        stable = stable & (distance < 1 - slack).all(-1)
    if kinks > 1:
        chosen = near.nonzero()[:, 1].reshape(-1, kinks)
        normals = (network.inner[0] / network.inner[0].norm(dim=-1, keepdim=True))[chosen]
        dependent = torch.linalg.matrix_rank(normals, rtol=1e-6) < kinks
        for point in (dependent & ~stable).nonzero()[:, 0].tolist():
            met = _met(normals[point])
            place = (met * 2 ** torch.arange(kinks).to(met.device)).sum(-1)
            unstable[point] = bool((growth[point, place] > 1 + slack).any())
    return stable, ~stable & ~unstable


def _pieces(active: Tensor, near: Tensor, kinks: int) -> Tensor:
    """The 2^k activation patterns of each point, the near neurons on or off: (P * 2^k, K)."""
    pieces = active[:, None].repeat(1, 2**kinks, 1)
    if kinks:
        chosen = near.nonzero()[:, 1].reshape(-1, 1, kinks).expand(-1, 2**kinks, -1)
        pieces.scatter_(2, chosen, subset_masks(kinks).to(active.device).expand(len(active), -1, -1))
    return pieces.flatten(0, 1)


def _growth(network: ReluNetwork, pieces: Tensor, measure: Callable[[Tensor], Tensor]) -> Tensor:
    """How fast the Jacobians on pieces (B, K) grow, by a measure: (B,)."""
    outer, inner, skip = network.outer[0], network.inner[0], network.skip[0]
    blocks = [(outer.mT * piece[:, None]) @ inner + skip for piece in pieces.to(inner).split(_BLOCK)]
    return torch.cat([measure(block) for block in blocks])


def _met(normals: Tensor) -> Tensor:
    """Signs of the kinks in many directions (B, k): a piece in each of them meets the point."""
    generator = torch.Generator().manual_seed(0)
    directions = torch.randn(_DIRECTIONS, normals.shape[-1], generator=generator, dtype=torch.float64)
    return (directions.to(normals) @ normals.mT > 0).unique(dim=0).long()
