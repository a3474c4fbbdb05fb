"""The dual certificate of minimum norm, as far as a search can tell: estimates of a lower bound on the cost.

For samples y_i with targets x_i the least cost C* of h(y) = sum_k a_k relu(w_k . y + b_k) + V y + c is at least

    D(z) = sum_i z_i . x_i / max(1, g),   g = max over |w| = 1, b of |F(w, b)|,
    F(w, b) = sum_i z_i relu(w . y_i + b),

for all multipliers z with sum_i z_i = 0 and sum_i z_i y_i^T = 0: an h that interpolates has
sum_i z_i . x_i = sum_k a_k . F(w_k, b_k) <= g sum_k |a_k| |w_k|. A network of cost D(z) is minimal.

A search finds no more than some |F|, a lower bound on g, so what it gives for D(z) is an estimate. `proof` has the
bound, from an upper bound on g.
"""

from __future__ import annotations

import torch
from attrs import frozen
from torch import Tensor

from flowlab.theory.certificates.neuron_search import best_biases, climb, random_neurons
from flowlab.theory.certificates.plane_search import largest_demand
from flowlab.theory.geometry.frame import standard_frame
from flowlab.theory.networks.neurons import Neurons

_EXACT_SAMPLES = 2_000  # in the plane g is exact up to so many samples: the work grows with their square


@frozen
class Search:
    """How hard to look for the largest demand: `steps` of ascent from `starts` random neurons and the hints."""

    starts: int = 128
    steps: int = 60

    def __call__(
        self, multipliers: Tensor, samples: Tensor, hints: Neurons, generator: torch.Generator
    ) -> tuple[Neurons, Demand]:
        """Local maxima of |F|, best first, and the largest |F| known. Raises ArithmeticError for nan."""
        place = standard_frame(samples)
        z, y = multipliers * place.scale, place.inside(samples)
        starts = random_neurons(y, self.starts, generator) + place.neurons_inside(hints)
        first = starts.demand(z, y).norm(dim=-1)
        tops = starts[first.argsort(descending=True)[: 2 * self.starts]]
        found = best_biases(z, y, climb(z, y, tops, self.steps))
        pull = found.demand(z, y).norm(dim=-1)
        largest = float(torch.cat([pull, first]).max())
        if largest != largest:
            raise ArithmeticError("the multipliers are not finite")
        exact = y.shape[-1] == 2 and len(y) <= _EXACT_SAMPLES
        if exact:
            largest = max(largest, largest_demand(z, y))
        order = pull.argsort(descending=True)
        return place.neurons_outside(found[order]), Demand(largest, exact, len(starts))

    def harder(self, dimension: int) -> Search:
        """The search that has the last word: the more starts the more dimensions, and twice the steps."""
        return Search(self.starts * max(2, dimension), 2 * self.steps)


@frozen
class Demand:
    """The largest |F| found: the largest there is if `exact` (in the plane), else the best of `starts` ascents."""

    value: float
    exact: bool
    starts: int


@frozen
class BoundEstimate:
    """An estimate of D(z), the projected multipliers z (Q, d) and the demand g that it rests on."""

    value: float
    demand: Demand
    multipliers: Tensor


class Projection:
    """Projection of vectors q (Q, k) off the affine functions of samples y (Q, d).

    P q has sum_i q_i = 0 and sum_i q_i y_i^T = 0.
    """

    def __init__(self, samples: Tensor) -> None:
        y = standard_frame(samples).inside(samples)  # the same functions, better conditioned
        plain = torch.cat([y, torch.ones_like(y[:, :1])], -1)
        basis, sizes, _ = torch.linalg.svd(plain, full_matrices=False)
        self._basis = basis[:, sizes > 1e-12 * sizes[0]]

    def __call__(self, q: Tensor) -> Tensor:
        for _ in range(2):  # the second time removes the rounding of the first
            q = q - self._basis @ (self._basis.mT @ q)
        return q


def dual_estimate(multipliers: Tensor, targets: Tensor, demand: Demand) -> BoundEstimate:
    """D(z) of projected multipliers z (Q, d) with targets x (Q, d) and their largest demand."""
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
    """The estimate of any multipliers (Q, d), such as training leaves behind, after their projection."""
    z = Projection(samples)(multipliers)
    _, demand = search(z, samples, hints, generator)
    return dual_estimate(z, targets, demand)
