"""All neurons that column generation has found, and which of them the next restricted problem holds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from attrs import define
from numpy.typing import NDArray

from flowlab.theory.convex_programs.cluster_cones import CandidateNeuron
from flowlab.theory.convex_programs.cluster_features import ClusterFeatures
from flowlab.theory.convex_programs.dichotomies import Array, Sides

# Of many neurons those are left out of which less is asked for so many rounds. Of few none, as the multipliers
# wander while several solve the restricted problem; what is left out comes back when more than 1 is asked of it.
_MANY = 1500
_FAR, _NEAR = 0.05, 0.01
_ROUGH_PATIENCE, _PATIENCE = 4, 3


@define
class NeuronPool:
    """Candidate neurons, and which of them the restricted problem holds.

    Active sets `sets` (R, N), of neuron k that at `at` (K,)[k]; `neurons` (K, d + 1), each (w, b); `rows` (K, p),
    what each makes on the features; `idle` (K,), for how many rounds little was asked of it; `held` (K,).
    """

    features: ClusterFeatures
    sets: Sides
    at: NDArray[np.intp]
    neurons: Array
    rows: Array
    idle: NDArray[np.intp]
    held: NDArray[np.bool_]

    @classmethod
    def of(cls, features: ClusterFeatures, sets: Sides, at: NDArray[np.intp], neurons: Array) -> NeuronPool:
        """A pool that holds all neurons (K, d + 1), whose active sets are sets (R, N) at (K,)."""
        rows = features.columns(sets[at], neurons)
        return cls(
            features, sets, at, neurons, rows, np.zeros(len(at), dtype=np.intp), np.ones(len(at), dtype=bool)
        )

    @property
    def above(self) -> Sides:
        """The active sets (K, N)."""
        active: Sides = self.sets[self.at]
        return active

    def asked(self, multipliers: Array) -> Array:
        """What multipliers (p, d) ask of each neuron, held or not: (K,)."""
        asked: Array = np.linalg.norm(self.rows @ multipliers, axis=1)
        return asked

    def select(self, asked: Array, demand: float, rough: bool) -> None:
        """Hold the neurons of which enough was asked lately, asked (K,).

        Enough is the nearer to 1, the nearer the largest demand is to it.
        """
        enough = 1 - (_FAR if rough else min(max(demand - 1, _NEAR), _FAR))
        self.idle = np.where(asked > enough, 0, self.idle + 1)
        patience = _ROUGH_PATIENCE if rough else _PATIENCE
        self.held = self.idle < patience if len(asked) > _MANY else np.ones(len(asked), dtype=bool)

    def add(self, fresh: Sequence[CandidateNeuron]) -> None:
        """Add new neurons to the pool, and hold them."""
        if not fresh:
            return
        at, neurons = (
            np.array([candidate.index for candidate in fresh]),
            np.stack([candidate.neuron for candidate in fresh]),
        )
        self.at, self.neurons = np.concatenate([self.at, at]), np.concatenate([self.neurons, neurons])
        self.rows = np.concatenate([self.rows, self.features.columns(self.sets[at], neurons)])
        self.idle = np.concatenate([self.idle, np.zeros(len(at), dtype=np.intp)])
        self.held = np.concatenate([self.held, np.ones(len(at), dtype=bool)])
