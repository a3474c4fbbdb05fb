"""The hard-margin separator of few samples: a quadratic program, solved to rounding, with its optimum checked."""

from __future__ import annotations

import daqp
import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

Array = NDArray[np.float64]
Indices = NDArray[np.intp]

# Largest constraint violation at which samples count as separated; the solver's own tolerance is a tenth of it.
TOLERANCE = 1e-10
# A gap below this share of the least distance of two samples across it counts as none: the samples touch.
TOUCHING = 1e-5
# The solver needs a strictly convex cost, so the free bias gets a proximal term 1/2 PROXIMAL (b - b_last)^2. With
# a weaker term the solver cycles, or calls a narrow gap infeasible.
_PROXIMAL = 0.01
_STEPS = 30
_INFEASIBLE = -1  # a status of the solver; positive statuses are successes


def hard_margin(rows: Array, sign: Array, active: Indices) -> tuple[Array, Indices] | None:
    """Minimise |w| subject to w . y + b >= 1 where the sign is 1, and <= 0 where it is -1.

    For rows y (Q, d) with sign (Q,); active (A,) are the indices of rows to try first as the support. Returns (w,
    b) (d + 1,) and the support, the indices of rows with positive multipliers. None where no hyperplane separates
    the samples by a gap 1 / |w| of 1e-5 times the least distance of two samples of opposite sign. A proximal
    method solves the program in units of that distance about the middle of these two samples, so that the data
    have no unit and no origin. The result fulfils the optimality conditions of the program itself: constraints to
    1e-10, nonnegative multipliers, and w as their combination. Raises ArithmeticError where the solver fails.
    """
    center, unit = _nearest_pair(rows[sign > 0], rows[sign < 0])
    if unit == 0:
        return None
    solution = _solve_standardised((rows - center) / unit, sign, active)
    if solution is None:
        return None
    optimum, active = solution
    weights = optimum[:-1] / unit
    mapped = np.append(weights, optimum[-1] - weights @ center)
    # mapping back adds rounding errors; well-conditioned rows give the optimum to the last digits
    constraints, bounds = _constraints(rows, sign)
    exact = _on_support(constraints[active], bounds[active])
    feasible = exact is not None and (constraints @ exact - bounds).min() >= -TOLERANCE
    return exact if feasible and exact is not None else mapped, active


def _nearest_pair(above: Array, below: Array) -> tuple[Array, float]:
    """The middle (d,) of the nearest rows of two sets, and their distance; the mean and 1 if a set is empty."""
    if not len(above) or not len(below):
        return np.concatenate([above, below]).mean(axis=0), 1.0
    distances = cdist(above, below)
    first, second = np.unravel_index(distances.argmin(), distances.shape)
    return (above[first] + below[second]) / 2, float(distances[first, second])


def _solve_standardised(rows: Array, sign: Array, active: Indices) -> tuple[Array, Indices] | None:
    """The optimum and its support where the nearest rows of opposite sign are at distance 1 about the origin."""
    constraints, bounds = _constraints(rows, sign)
    bias = 0.0
    for _ in range(_STEPS):
        step = _proximal_step(constraints, bounds, bias, active)
        if step is None:
            return None
        solution, active = step
        if np.linalg.norm(solution[:-1]) * TOUCHING > 1:
            return None
        bias = float(solution[-1])
        optimum = _on_support(constraints[active], bounds[active])
        if optimum is not None and (constraints @ optimum - bounds).min() >= -TOLERANCE:
            return optimum, active
    raise ArithmeticError(f"a slab is not solved after {_STEPS} proximal steps")


def _constraints(rows: Array, sign: Array) -> tuple[Array, Array]:
    """Rows (Q, d + 1) and bounds (Q,): a slab (w, b) is feasible where rows . (w, b) >= bounds."""
    return np.column_stack([rows * sign[:, None], sign]), np.maximum(sign, 0.0)


def _proximal_step(
    constraints: Array, bounds: Array, bias: float, active: Indices
) -> tuple[Array, Indices] | None:
    """The optimum with a proximal term at the given bias, and its support; None where infeasible."""
    count, size = constraints.shape
    hessian, linear = np.eye(size), np.zeros(size)
    hessian[-1, -1], linear[-1] = _PROXIMAL, -_PROXIMAL * bias
    unbounded = np.full(count, -1e30)
    # a warm start can fail where its rows are dependent; then start cold
    for start in (active, active[:0]) if len(active) else (active,):
        sense = np.zeros(count, dtype=np.int32)
        sense[start] = 1
        solution, _, status, info = daqp.solve(
            hessian, linear, -constraints, -bounds, unbounded, sense, primal_tol=TOLERANCE / 10, sing_tol=1e-14
        )
        if status > 0:
            return np.asarray(solution), np.flatnonzero(np.asarray(info["lam"]) > 0)
    if status == _INFEASIBLE:
        return None
    raise ArithmeticError(f"the quadratic program of a slab is not solved: solver status {status}")


def _on_support(constraints: Array, bounds: Array) -> Array | None:
    """The (w, b) of least |w| with equality in all rows; None unless w is their nonnegative combination.

    It solves for the multipliers, a smaller system than that of (w, b). The residuals are those of (w, b) itself,
    so repeated solution recovers the digits that the squared condition number loses.
    """
    count = len(bounds)
    normals, sign = constraints[:, :-1], constraints[:, -1]
    system = np.zeros((count + 1, count + 1))
    system[:count, :count] = normals @ normals.T
    system[:count, count] = system[count, :count] = sign
    try:
        inverse = np.linalg.inv(system)
    except np.linalg.LinAlgError:  # dependent rows
        return None
    optimum, multipliers = np.zeros(constraints.shape[1]), np.zeros(count)
    for _ in range(3):
        change = inverse @ np.append(bounds - constraints @ optimum, -sign @ multipliers)
        multipliers += change[:count]
        optimum += np.append(change[:count] @ normals, change[count])
    if multipliers.min(initial=0.0) < -1e-12 * np.abs(multipliers).max(initial=0.0):
        return None
    return optimum
