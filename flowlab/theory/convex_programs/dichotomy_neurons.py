"""The cheapest network whose neurons are active on whole clusters only, by column generation."""

from __future__ import annotations

import numpy as np
import torch
from attrs import frozen
from threadpoolctl import threadpool_limits
from torch import Tensor

from flowlab.theory.convex_programs.cluster_cones import CandidateNeuron, Cones, strongest
from flowlab.theory.convex_programs.cluster_features import ClusterFeatures
from flowlab.theory.convex_programs.dichotomies import Array, Sides
from flowlab.theory.convex_programs.max_margin import separate
from flowlab.theory.convex_programs.neuron_pool import NeuronPool
from flowlab.theory.convex_programs.sparse_vertex import vertex
from flowlab.theory.networks.relu_network import ReluNetwork
from flowlab.theory.solvers.group_basis_pursuit import group_basis_pursuit

# Points whose 2^N - 2 active sets are all searched.
MOST_CLUSTERS = 10
_ROUNDS = 100
_GAPS = (1e-2, 1e-3)  # of the restricted problem while columns come in; then a tenth of the gap that is asked for
_HINTS = 3  # neurons of each active set from which the next search starts too
_IDLE = 1e-9
_ROUNDING = 1e-10


@frozen
class NeuronSolution:
    """A network of one level that interpolates, its cost, and `bound`, an estimate of the least in its family.

    The bound is what multipliers prove if no neuron is asked more than the search found. The search is local
    within each active set, so this is no proof.
    """

    network: ReluNetwork
    cost: float
    bound: float
    rounds: int


def dichotomy_neurons(samples: Tensor, points: Tensor, gap: float) -> NeuronSolution | None:
    """Minimise sum_k |a_k| |w_k| over networks through samples (N, M, d) whose neurons cut no cluster.

    For points (N, d). Each neuron has an active set S of clusters: w . y + b >= 0 on their samples, <= 0 on the
    others. On cluster n the network is affine, so that it interpolates if sum_{k: n in S_k} a_k w_k^T + V vanishes
    on the directions of the cluster and h is x_n at its mean. The multipliers of these equations, (Lambda_n,
    mu_n), ask of a neuron |(sum_{n in S} Lambda_n) w + (sum_{n in S} mu_n) b|, |w| = 1. Those of which more than 1
    is asked are added, from those of all slabs on, until the search finds none with more than 1 + gap. None where
    the neurons of slabs don't interpolate. Raises ValueError for more than 10 points.

    BLAS gets one thread: the matrices are small, and on two threads the search takes three times the CPU time.
    """
    count = len(points)
    if count > MOST_CLUSTERS:
        raise ValueError(f"{count} points have {2**count - 2} active sets: at most {MOST_CLUSTERS} points")
    unit = _Unit.of(samples.detach().cpu().double(), points.detach().cpu().double())
    with threadpool_limits(1, user_api="blas"):
        return _generate_columns(unit, gap)


def _generate_columns(unit: _Unit, gap: float) -> NeuronSolution | None:
    """The search itself, in the unit's own units."""
    features = ClusterFeatures.of(unit.samples.numpy(), unit.points.numpy())
    goal = features.goal
    above, neurons = _slab_neurons(unit.samples)
    if np.abs(goal).max(initial=0.0) <= _ROUNDING:
        return unit.solution(features, above[:0], neurons[:0], np.zeros((0, unit.points.shape[1])), 0.0, 0)
    if not len(neurons):
        return None
    sets, at = np.unique(above, axis=0, return_inverse=True)
    cones, pool = Cones.of(unit.samples.numpy(), sets), NeuronPool.of(features, sets, at.ravel(), neurons)
    gaps = iter((*_GAPS, gap / 10))
    fine, rounds = next(gaps), 0
    hints: list[CandidateNeuron] = []
    while True:
        rounds += 1
        rows = pool.rows[pool.held]
        solved = group_basis_pursuit(rows, goal, np.ones(len(rows)), fine)
        if solved is None:
            return None
        last, pulls, asked = (
            fine <= gap / 10,
            features.pulls(sets, solved.multipliers),
            pool.asked(solved.multipliers),
        )
        candidates = cones.search(pulls, hints)
        if last and max(_most(candidates), asked.max()) <= 1 + gap:
            # the last word to a wider search, the same each time
            candidates += cones.wide_search(pulls, np.random.default_rng(0))
        demand = max(1.0, _most(candidates), float(asked.max()))
        if (last and demand <= 1 + gap) or rounds == _ROUNDS:
            groups, bound = _fewest(rows, goal, solved.groups), max(solved.bound / demand, 0.0)
            alive = np.linalg.norm(groups, axis=1) > 0
            above, neurons = (part[pool.held][alive] for part in (pool.above, pool.neurons))
            return unit.solution(features, above, neurons, groups[alive], bound, rounds)
        fresh = [candidate for candidate in candidates if candidate.value > 1 + gap / 4]
        if demand <= 1 + 10 * fine or not (fresh or (asked > 1 + gap / 4).any()):
            fine = next(gaps, fine)
        hints = strongest(candidates, _HINTS)
        pool.select(asked, demand, rough=fine == _GAPS[0])
        pool.add(fresh)


def _most(candidates: list[CandidateNeuron]) -> float:
    return max((candidate.value for candidate in candidates), default=0.0)


def _fewest(rows: Array, goal: Array, groups: Array) -> Array:
    """Groups (K, d) that solve rows^T a = goal at no higher cost with fewer that are not zero.

    Keeps the directions of a_k: a vertex of the lengths that solve the equations has at most as many of them as
    there are equations. Then the directions of those that are left are free again.
    """
    sizes = np.linalg.norm(groups, axis=1)
    some = np.flatnonzero(sizes > _IDLE * sizes.max())
    frame = np.linalg.svd(goal, full_matrices=False)
    axes = frame[2][frame[1] > _ROUNDING * frame[1][0]]
    units = groups[some] / sizes[some, None] @ axes.T
    equations = np.einsum("kp,ke->pek", rows[some], units).reshape(-1, len(some))
    few = some[vertex(equations, sizes[some])]
    again = group_basis_pursuit(rows[few], goal, np.ones(len(few)))
    if again is None or again.cost > sizes.sum() * (1 + _ROUNDING):
        return groups
    result = np.zeros_like(groups)
    result[few] = np.where((np.linalg.norm(again.groups, axis=1) > _IDLE * again.cost)[:, None], again.groups, 0.0)
    return result


def _slab_neurons(samples: Tensor) -> tuple[Sides, Array]:
    """Active sets (K, N) and neurons (w, b), |w| = 1, of all max-margin slabs: both kinks, and mirrored."""
    count = len(samples)
    sets = (np.arange(1, 2 ** (count - 1))[:, None] >> np.arange(count - 1) & 1).astype(bool)
    sets = np.insert(sets, 0, False, axis=1)
    margins = separate(samples[None], torch.from_numpy(sets))
    feasible = margins.feasible[0]
    lower = torch.cat([margins.weights[0], margins.biases[0, :, None]], dim=-1)[feasible].numpy()
    sets = sets[feasible.numpy()]
    upper = lower - np.eye(lower.shape[1])[-1]
    neurons = np.concatenate([lower, upper, -lower, -upper])
    lengths = np.linalg.norm(neurons[:, :-1], axis=1, keepdims=True)
    return np.concatenate([sets, sets, ~sets, ~sets]), neurons / lengths


@frozen
class _Unit:
    """Samples and points moved to the origin and scaled to size one, and how they were."""

    samples: Tensor
    points: Tensor
    center: Tensor
    middle: Tensor
    scale: float
    size: float

    @classmethod
    def of(cls, samples: Tensor, points: Tensor) -> _Unit:
        center, middle = samples.flatten(0, 1).mean(0), points.mean(0)
        scale, size = float((samples - center).abs().max()), float((points - middle).abs().max())
        return cls((samples - center) / scale, (points - middle) / size, center, middle, scale, size)

    def solution(
        self, features: ClusterFeatures, above: Sides, neurons: Array, outer: Array, bound: float, rounds: int
    ) -> NeuronSolution:
        """The network of neurons (w, b) (K, d + 1), |w| = 1, and output weights (K, d) in the data's own units."""
        affine = torch.from_numpy(features.affine(above, neurons, outer))
        skip = affine[:-1].mT * (self.size / self.scale)
        offset = self.middle + self.size * affine[-1] - skip @ self.center
        a, w = torch.from_numpy(outer * (self.size / self.scale)), torch.from_numpy(neurons[:, :-1])
        b = self.scale * torch.from_numpy(neurons[:, -1]) - w @ self.center
        even = a.norm(dim=-1, keepdim=True).sqrt()
        parts = a / even, w * even, b * even[:, 0], skip, offset
        factor = self.size / self.scale
        network = ReluNetwork(*(part[None] for part in parts))
        return NeuronSolution(network, float(a.norm(dim=-1).sum()), factor * bound, rounds)
