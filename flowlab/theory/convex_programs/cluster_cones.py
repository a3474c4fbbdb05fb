"""The neurons that are active on a set of clusters and on no other, and those with the largest demand."""

from __future__ import annotations

from collections.abc import Iterator

import daqp
import numpy as np
from attrs import frozen

from flowlab.theory.convex_programs.dichotomies import Array, Sides

_CONE = 1e-11  # violation of a neuron's cone, in units of the samples' size
_RIDGE = 1e-7  # on the bias, which the cost leaves free: the solver wants a strictly convex cost
_TURNS = 12
_SETTLED = 1e-6
_FLAT = 1e-9  # a neuron this short is none
_STARTS = 8


@frozen
class Cones:
    """Active sets (R, N), and for each the rows (Q, d + 1) of K_S: those (w, b) with rows . (w, b) >= 0."""

    sets: Sides
    rows: Array
    signs: Array  # (R, Q)

    @classmethod
    def of(cls, samples: Array, sets: Sides) -> Cones:
        """The cones of the active sets (R, N), for samples (N, M, d) of size one about the origin."""
        each, dimension = samples.shape[1:]
        rows = np.insert(samples.reshape(-1, dimension), dimension, 1.0, axis=1)
        return cls(sets, rows, np.where(np.repeat(sets, each, axis=1), 1.0, -1.0))

    def search(self, pulls: Array, generator: np.random.Generator | None) -> Iterator[tuple[Sides, Array, float]]:
        """Neurons (w, b), |w| = 1, with locally largest |(w, b) G_S|, for pulls G (R, d + 1, d): S, (w, b), value.

        Alternates between the unit vector along (w, b) G_S and the neuron of the cone that goes farthest along it,
        a quadratic program. From the two leading axes of G_S; with a generator from all, and some at random.
        """
        for side, sign, pull in zip(self.sets, self.signs, pulls, strict=True):
            cone = sign[:, None] * self.rows
            _, _, axes = np.linalg.svd(pull, full_matrices=False)
            starts = axes[:2]
            if generator is not None:
                starts = np.concatenate([axes, generator.normal(size=(_STARTS, len(axes[0])))])
            met: list[Array] = []
            for start in np.concatenate([starts, -starts]):
                neuron, value = _climb(pull, cone, start)
                if value > 0 and not any(np.abs(neuron - other).max() < 1e-6 for other in met):
                    met.append(neuron)
                    yield side, neuron, value


def _climb(pull: Array, cone: Array, direction: Array) -> tuple[Array, float]:
    """A neuron (w, b) of the cone, |w| = 1, at a local maximum of |(w, b) G|, and the maximum."""
    best, value = np.zeros(len(pull)), 0.0
    for _ in range(_TURNS):
        neuron = _farthest(pull @ direction, cone)
        length = np.linalg.norm(neuron[:-1])
        if length < _FLAT * np.abs(pull).max():
            break
        neuron = neuron / length
        image = neuron @ pull
        reached = float(np.linalg.norm(image))
        if reached <= value * (1 + _SETTLED):
            break
        best, value, direction = neuron, reached, image / reached
    return best, value


def _farthest(pull: Array, cone: Array) -> Array:
    """The (w, b) of the cone that maximises g . (w, b) - |w|^2 / 2; zero where the solver gives up."""
    size = len(pull)
    hessian = np.eye(size)
    hessian[-1, -1] = _RIDGE
    solution, _, status, _ = daqp.solve(
        hessian,
        -pull,
        -cone,
        np.zeros(len(cone)),
        np.full(len(cone), -1e30),
        np.zeros(len(cone), dtype=np.int32),
        primal_tol=_CONE,
    )
    return np.asarray(solution) if status > 0 else np.zeros(size)
