"""A vertex of a polytope {s >= 0: A s = A s_0} whose sum is no larger than that of s_0."""

from __future__ import annotations

import numpy as np
import scipy.linalg

from flowlab.theory.convex_programs.dichotomies import Array, Sides

_RANK = 1e-10
_BLOCK = 50  # columns that are solved for at once, with the basis as it then is


def vertex(matrix: Array, sizes: Array) -> Sides:
    """The columns (K,) of A (m, K) that a vertex of {s >= 0: A s = A sizes} uses, of sum at most sum(sizes).

    From sizes (K,) > 0, with the heaviest independent columns as a basis. Every other column moves along the line
    on which A s stays, in the direction in which the sum doesn't grow, until it or one of the basis is zero; in
    the second case it takes that one's place.
    """
    _, triangle, order = scipy.linalg.qr(matrix * sizes, mode="economic", pivoting=True)
    diagonal = np.abs(triangle.diagonal())
    basis = order[: int((diagonal > _RANK * diagonal[0]).sum())].copy()
    others = order[len(basis) :]
    sizes = sizes.copy()
    for begin in range(0, len(others), _BLOCK):
        block = others[begin : begin + _BLOCK]
        lines = np.linalg.lstsq(matrix[:, basis], matrix[:, block], rcond=None)[0]  # A_column = A_basis line
        for at, column in enumerate(block):
            line = lines[:, at].copy()
            grows = line.sum() >= 1.0  # the sum falls as the column grows
            taken = line if grows else -line
            losing = taken > _RANK * np.abs(line).max(initial=0.0)
            steps = np.where(losing, sizes[basis] / np.where(losing, taken, 1.0), np.inf)
            first = int(steps.argmin())
            step = steps[first] if grows else min(steps[first], sizes[column])
            sizes[basis] = np.maximum(sizes[basis] - step * taken, 0.0)
            sizes[column] += step if grows else -step
            if not grows and sizes[column] <= 0.0:
                continue
            sizes[basis[first]] = 0.0
            basis[first] = column
            lines[first] /= line[first]
            line[first] = 0.0
            lines -= np.outer(line, lines[first])
    used = np.zeros(len(sizes), dtype=bool)
    used[basis[sizes[basis] > 0.0]] = True
    return used
