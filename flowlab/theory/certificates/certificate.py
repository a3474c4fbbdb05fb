"""The dual certificate of minimum norm by a search: estimates of a lower bound on the cost.

For samples y_i with targets x_i the least cost C* of h(y) = sum_k a_k relu(w_k . y + b_k) + V y + c is at least

    D(z) = sum_i z_i . x_i / max(1, g),   g = max over |w| = 1, b of |F(w, b)|,
    F(w, b) = sum_i z_i relu(w . y_i + b),

for all multipliers z with sum_i z_i = 0 and sum_i z_i y_i^T = 0: an h that interpolates has
sum_i z_i . x_i = sum_k a_k . F(w_k, b_k) <= g sum_k |a_k| |w_k|. A network of cost D(z) is minimal.

A search finds the value of |F| at some neurons, a lower bound on g. So its D(z) is an estimate, and may be too
high. `proof` computes a bound, from an upper bound on g. Source: weak duality; the nearest published idea is
cutting planes over neurons, Ergen and Pilanci, arXiv 2002.11219.
"""

from __future__ import annotations

import torch
from attrs import frozen
from torch import Tensor

from flowlab.theory.certificates.neuron_search import best_biases, climb, random_neurons
from flowlab.theory.certificates.plane_search import largest_demand
from flowlab.theory.geometry.frame import standard_frame
from flowlab.theory.networks.neurons import Neurons

_EXACT_SAMPLES = 2_000  # in the plane g is exact up to this many samples: the work grows with their square


@frozen
class Search:
    """A search for the largest demand by `steps` steps of ascent from `starts` random neurons and the hints."""

    starts: int = 128
    steps: int = 60

    def __call__(
        self, multipliers: Tensor, samples: Tensor, hints: Neurons, generator: torch.Generator
    ) -> tuple[Neurons, Demand]:
        """The local maxima of |F|, largest first, and the largest |F| of all.

        For multipliers z (Q, d) on samples y (Q, d). Raises ArithmeticError where the multipliers are not finite.
        """
        frame = standard_frame(samples)
        z, y = multipliers * frame.scale, frame.inside(samples)
        starts = random_neurons(y, self.starts, generator) + frame.neurons_inside(hints)
        start_demand = starts.demand(z, y).norm(dim=-1)
        candidates = starts[start_demand.argsort(descending=True)[: 2 * self.starts]]
        maxima = best_biases(z, y, climb(z, y, candidates, self.steps))
        demand = maxima.demand(z, y).norm(dim=-1)
        largest = float(torch.cat([demand, start_demand]).max())
        if largest != largest:
            raise ArithmeticError("the multipliers are not finite")
        exact = y.shape[-1] == 2 and len(y) <= _EXACT_SAMPLES
        if exact:
            largest = max(largest, largest_demand(z, y))
        order = demand.argsort(descending=True)
        return frame.neurons_outside(maxima[order]), Demand(largest, exact, len(starts))

    def harder(self, dimension: int) -> Search:
        """The search that checks a final result: more starts in more dimensions, and twice the steps."""
        return Search(self.starts * max(2, dimension), 2 * self.steps)


@frozen
class Demand:
    """The largest |F| of a search: the true maximum if `exact` (in the plane), else the best of its ascents."""

    value: float
    exact: bool
    starts: int


@frozen
class BoundEstimate:
    """An estimate of D(z), with its projected multipliers z (Q, d) and its demand, an estimate of g."""

    value: float
    demand: Demand
    multipliers: Tensor


class Projection:
    """The projection of vectors q (Q, k) onto the complement of the affine functions of samples y (Q, d).

    The projected q has sum_i q_i = 0 and sum_i q_i y_i^T = 0.
    """

    def __init__(self, samples: Tensor) -> None:
        y = standard_frame(samples).inside(samples)  # the same functions, better conditioned
        affine = torch.cat([y, torch.ones_like(y[:, :1])], -1)
        basis, sizes, _ = torch.linalg.svd(affine, full_matrices=False)
        self._basis = basis[:, sizes > 1e-12 * sizes[0]]

    def __call__(self, q: Tensor) -> Tensor:
        for _ in range(2):  # the second pass removes the rounding errors of the first
            q = q - self._basis @ (self._basis.mT @ q)
        return q


def dual_estimate(multipliers: Tensor, targets: Tensor, demand: Demand) -> BoundEstimate:
    """The estimate of D(z) for projected multipliers z (Q, d) with targets x (Q, d) and their largest demand."""
    value = float((multipliers * targets).sum()) / max(1.0, demand.value)
    return BoundEstimate(max(0.0, value), demand, multipliers)


def multiplier_estimate(
    multipliers: Tensor,
    samples: Tensor,
    targets: Tensor,
    hints: Neurons,
    search: Search,
    generator: torch.Generator,
) -> BoundEstimate:
    """The estimate of D(z) for any multipliers (Q, d), such as those of a training, after their projection.

    For samples (Q, d) with targets (Q, d). Raises ArithmeticError where the multipliers are not finite.
    """
    z = Projection(samples)(multipliers)
    _, demand = search(z, samples, hints, generator)
    return dual_estimate(z, targets, demand)
