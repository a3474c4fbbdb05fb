"""The neurons that are active on a set of clusters and on no other, and those with the largest demand."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from itertools import chain

import daqp
import numpy as np
from attrs import define, field, frozen
from numpy.typing import NDArray

from flowlab.theory.convex_programs.dichotomies import Array, Sides

_CONE = 1e-11  # violation of a neuron's cone, in units of the samples' size
_RIDGE = 1e-7  # on the bias, which the cost leaves free: the solver wants a strictly convex cost
_TURNS = 12
_SETTLED = 1e-6
_FLAT = 1e-9  # a neuron this short is none
_SAME = 1e-6  # two neurons this near are one
_STARTS = 8
_ADDED = 16  # rows that join a working set at most at a time


@frozen
class CandidateNeuron:
    """A neuron (w, b), |w| = 1, of the active set `index`, and what multipliers ask of it."""

    index: int
    neuron: Array
    value: float


@define
class _Cone:
    """K_S: those (w, b) with rows . (w, b) >= 0, rows (Q, d + 1). Few rows matter: those at `working`."""

    rows: Array
    working: NDArray[np.intp] = field(factory=lambda: np.empty(0, dtype=np.intp))

    def farthest(self, pull: Array) -> Array:
        """The (w, b) of the cone that maximises g . (w, b) - |w|^2 / 2; zero where the solver gives up.

        Solved on the working rows, which gain those that are violated until there are none.
        """
        size = len(pull)
        hessian = np.eye(size)
        hessian[-1, -1] = _RIDGE
        while True:
            few = len(self.working)
            solution, _, status, _ = daqp.solve(
                hessian,
                -pull,
                -self.rows[self.working],
                np.zeros(few),
                np.full(few, -1e30),
                np.zeros(few, dtype=np.int32),
                primal_tol=_CONE,
            )
            if status <= 0:
                return np.zeros(size)
            heights = self.rows @ solution
            heights[self.working] = 0.0
            violated = np.flatnonzero(heights < -_CONE)
            if not len(violated):
                return np.asarray(solution)
            if len(violated) > _ADDED:
                violated = violated[np.argpartition(heights[violated], _ADDED)[:_ADDED]]
            self.working = np.concatenate([self.working, violated])

    def climb(self, pull: Array, direction: Array) -> tuple[Array, float]:
        """A neuron (w, b) of the cone, |w| = 1, at a local maximum of |(w, b) G|, and the maximum.

        Alternates between the neuron that goes farthest along a unit vector and the unit vector along (w, b) G.
        """
        best, value, flat = np.zeros(len(pull)), 0.0, _FLAT * np.abs(pull).max()
        for _ in range(_TURNS):
            neuron = self.farthest(pull @ direction)
            length = math.sqrt(neuron[:-1] @ neuron[:-1])
            if length < flat:
                break
            neuron = neuron / length
            image = neuron @ pull
            reached = math.sqrt(image @ image)
            if reached <= value * (1 + _SETTLED):
                break
            best, value, direction = neuron, reached, image / reached
        return best, value


@define
class Cones:
    """Active sets (R, N), and the cone of each."""

    sets: Sides
    cones: list[_Cone]

    @classmethod
    def of(cls, samples: Array, sets: Sides) -> Cones:
        """The cones of the active sets (R, N), for samples (N, M, d) of size one about the origin."""
        each, dimension = samples.shape[1:]
        rows = np.insert(samples.reshape(-1, dimension), dimension, 1.0, axis=1)
        signs = np.where(np.repeat(sets, each, axis=1), 1.0, -1.0)
        return cls(sets, [_Cone(sign[:, None] * rows) for sign in signs])

    def search(self, pulls: Array, hints: Iterable[CandidateNeuron]) -> list[CandidateNeuron]:
        """Local maxima of |(w, b) G_S|, pulls G (R, d + 1, d), from the two leading axes of G_S and from hints."""
        axes = np.linalg.svd(pulls, full_matrices=False)[2][:, :2]
        near = ((hint.index, hint.neuron @ pulls[hint.index]) for hint in hints)
        return self._climbed(pulls, chain(near, _both_ways(axes)))

    def wide_search(self, pulls: Array, generator: np.random.Generator) -> list[CandidateNeuron]:
        """The same for pulls G (R, d + 1, d), from all axes of G_S and from random directions."""
        axes = np.linalg.svd(pulls, full_matrices=False)[2]
        drawn = generator.normal(size=(len(pulls), _STARTS, pulls.shape[-1]))
        return self._climbed(pulls, _both_ways(np.concatenate([axes, drawn], axis=1)))

    def _climbed(self, pulls: Array, starts: Iterable[tuple[int, Array]]) -> list[CandidateNeuron]:
        maxima: list[list[CandidateNeuron]] = [[] for _ in self.cones]
        for index, start in starts:
            neuron, value = self.cones[index].climb(pulls[index], start)
            known = maxima[index]
            if value > 0 and not any(np.abs(neuron - other.neuron).max() < _SAME for other in known):
                known.append(CandidateNeuron(index, neuron, value))
        return list(chain.from_iterable(maxima))


def _both_ways(directions: Array) -> Iterator[tuple[int, Array]]:
    return (
        (index, sign * direction)
        for index, axes in enumerate(directions)
        for sign in (1, -1)
        for direction in axes
    )


def strongest(candidates: Iterable[CandidateNeuron], most: int) -> list[CandidateNeuron]:
    """Of each active set the neurons of which most is asked."""
    sets: dict[int, list[CandidateNeuron]] = {}
    for candidate in candidates:
        sets.setdefault(candidate.index, []).append(candidate)
    return [
        candidate
        for group in sets.values()
        for candidate in sorted(group, key=lambda neuron: -neuron.value)[:most]
    ]
