"""What slabs, dichotomy neurons and networks with kinks anywhere cost on the same samples, and what is proved."""

from __future__ import annotations

import numpy as np
import torch
from attrs import frozen
from torch import Tensor

from flowlab.theory.certificates.certificate import Search
from flowlab.theory.certificates.cutting_planes import cutting_planes
from flowlab.theory.certificates.proving import ProofBudget, prove
from flowlab.theory.convex_programs.dichotomy_neurons import dichotomy_neurons
from flowlab.theory.convex_programs.max_margin import separate
from flowlab.theory.convex_programs.slab_solution import slab_solution
from flowlab.theory.networks.interpolation import noisy_samples
from flowlab.theory.networks.neurons import Neurons
from flowlab.theory.networks.pruning import live_neurons
from flowlab.theory.networks.relu_network import ReluNetwork
from flowlab.theory.solvers.fermat_weber import weighted_fermat_weber
from flowlab.theory.solvers.group_basis_pursuit import group_basis_pursuit


@frozen
class Families:
    """Costs of networks through the same samples; `anywhere` has kinks where cutting planes put them.

    Each is a network that is there, so an upper bound of the least cost; `proved` is a lower bound of it, and
    `neurons_least` an estimate of the least cost of neurons that cut no cluster.
    """

    single: float
    slabs: float
    neurons: float
    neurons_least: float
    anywhere: float
    proved: float

    def gap(self, cost: float) -> float:
        """How far a cost can be above the least: at least this share of it is needed."""
        return 1 - self.proved / cost


def drawn(seed: int, *shape: int) -> Tensor:
    """Standard normal points."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def families(
    points: Tensor, sigma: float, samples: int, seed: int, effort: ProofBudget, rounds: int = 25
) -> Families:
    """All of them on noisy samples; raises ValueError where no slabs interpolate, or an affine map does."""
    level, draw = torch.tensor([sigma], dtype=torch.float64), torch.Generator().manual_seed(seed)
    noisy = noisy_samples(points, level, samples, draw)
    y, x = noisy[0].flatten(0, 1), points.repeat_interleave(samples, 0)
    slabs, usable = slab_solution(noisy, points, None)
    solved = dichotomy_neurons(noisy[0], points, 2e-4)
    if solved is None or not bool(usable) or solved.cost == 0.0:
        raise ValueError("nothing to compare")
    hints, gap = live_neurons(solved.network)[0], 2e-3
    found = cutting_planes(y, x, hints, solved.cost, gap / 2, rounds, Search(64), draw)
    proof = prove(y, x, found.program, found.bound, solved.cost, gap, effort, Search(64), draw)
    network = cheapest(hints + found.program.neurons, y, x)
    assert (network(y[None])[0] - x).abs().max() <= 1e-6 * sigma
    anywhere = float(network.balanced_cost[0])
    slab_cost, single_cost = float(slabs.cost[0]), single(points, noisy)
    return Families(single_cost, slab_cost, solved.cost, float(solved.bound), anywhere, proof.bound)


def single(points: Tensor, noisy: Tensor) -> float:
    """One slab a point about the weighted Fermat-Weber point; infinite where a cluster lies between others."""
    slopes = separate(noisy, torch.eye(len(points), dtype=torch.bool)).weights[0].norm(dim=-1)
    if not bool(slopes.isfinite().all()):
        return float("inf")
    center = weighted_fermat_weber(points, slopes)
    return float(2 * (slopes * (points - center).norm(dim=-1)).sum())


def cheapest(neurons: Neurons, y: Tensor, x: Tensor) -> ReluNetwork:
    """The cheapest network of some of these neurons through all samples y (Q, d) with targets x (Q, d)."""
    affine = torch.cat([y, torch.ones_like(y[:, :1])], -1)
    basis, singular, _ = torch.linalg.svd(affine)
    free = basis[:, int((singular > 1e-12 * singular[0]).sum()) :]  # what affine maps leave
    rows, goal = (neurons(y).mT @ free).numpy(), (free.mT @ x).numpy()
    outer = torch.from_numpy(group_basis_pursuit(rows, goal, np.ones(len(rows)), 1e-7).groups)
    rest = torch.linalg.pinv(affine) @ (x - neurons(y) @ outer)
    parts = outer, neurons.weights, neurons.biases, rest[:-1].mT, rest[-1]
    return ReluNetwork(*(part[None] for part in parts))
