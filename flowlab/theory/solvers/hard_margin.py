"""The hard-margin separator of few samples: a quadratic programme, solved to rounding and checked."""

from __future__ import annotations

import daqp
import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

Array = NDArray[np.float64]
Indices = NDArray[np.intp]

# Constraint violation at which samples count as separated; the solver's own feasibility is a tenth of it.
TOLERANCE = 1e-10
# A gap below this share of the least distance of two samples across it counts as none: the samples touch.
TOUCHING = 1e-5
# The solver wants a strictly convex cost: the free bias is held by 1/2 PULL (b - b_last)^2, then let go. With a
# weak pull it cycles, or takes a narrow gap for none.
_PULL = 0.01
_STEPS = 30
_INFEASIBLE = -1  # a status of the solver; positive ones are successes


def hard_margin(rows: Array, sign: Array, active: Indices) -> tuple[Array, Indices] | None:
    """Minimise |w| subject to w . y + b >= 1 where sign (Q,) is 1, <= 0 where it is -1; rows y (Q, d).

    Returns (w, b) of length d + 1 and the rows that it rests on, those with positive multipliers; None where
    no hyperplane separates the samples by a gap 1 / |w| of 1e-5 of the least distance of two samples of opposite
    sign. `active` rows are tried first. A proximal method, in units of that distance about the middle of the two,
    so that data have no unit and no origin; what it returns fulfils the optimality conditions of the programme
    itself: constraints to 1e-10, multipliers, and w their combination.
    """
    center, unit = _nearest_pair(rows[sign > 0], rows[sign < 0])
    if unit == 0:
        return None
    solved = _solved((rows - center) / unit, sign, active)
    if solved is None:
        return None
    optimum, active = solved
    weights = optimum[:-1] / unit
    mapped = np.append(weights, optimum[-1] - weights @ center)
    # mapping rounds; where the rows themselves are well conditioned, they give the optimum to the last digits
    constraints, bounds = _constraints(rows, sign)
    exact = _resting(constraints[active], bounds[active])
    met = exact is not None and (constraints @ exact - bounds).min() >= -TOLERANCE
    return exact if met and exact is not None else mapped, active


def _nearest_pair(above: Array, below: Array) -> tuple[Array, float]:
    """The middle (d,) of the nearest rows of two sets, and their distance; of one set alone its mean, and 1."""
    if not len(above) or not len(below):
        return np.concatenate([above, below]).mean(axis=0), 1.0
    distances = cdist(above, below)
    first, second = np.unravel_index(distances.argmin(), distances.shape)
    return (above[first] + below[second]) / 2, float(distances[first, second])


def _solved(rows: Array, sign: Array, active: Indices) -> tuple[Array, Indices] | None:
    """The same where the nearest rows of opposite sign are a unit apart about the origin."""
    constraints, bounds = _constraints(rows, sign)
    bias = 0.0
    for _ in range(_STEPS):
        found = _pulled(constraints, bounds, bias, active)
        if found is None:
            return None
        solution, active = found
        if np.linalg.norm(solution[:-1]) * TOUCHING > 1:
            return None
        bias = float(solution[-1])
        optimum = _resting(constraints[active], bounds[active])
        if optimum is not None and (constraints @ optimum - bounds).min() >= -TOLERANCE:
            return optimum, active
    raise ArithmeticError(f"a slab is not solved after {_STEPS} proximal steps")


def _constraints(rows: Array, sign: Array) -> tuple[Array, Array]:
    """Rows (Q, d + 1) and bounds (Q,): a slab (w, b) is right where their product is at least the bounds."""
    return np.column_stack([rows * sign[:, None], sign]), np.maximum(sign, 0.0)


def _pulled(constraints: Array, bounds: Array, bias: float, active: Indices) -> tuple[Array, Indices] | None:
    """The optimum whose bias is pulled to the given one, and its active rows; None where infeasible."""
    count, size = constraints.shape
    hessian, linear = np.eye(size), np.zeros(size)
    hessian[-1, -1], linear[-1] = _PULL, -_PULL * bias
    unbounded = np.full(count, -1e30)
    # a warm start may fail where its rows are dependent: a cold one has the last word
    for held in (active, active[:0]) if len(active) else (active,):
        sense = np.zeros(count, dtype=np.int32)
        sense[held] = 1
        solution, _, status, info = daqp.solve(
            hessian, linear, -constraints, -bounds, unbounded, sense, primal_tol=TOLERANCE / 10, sing_tol=1e-14
        )
        if status > 0:
            return np.asarray(solution), np.flatnonzero(np.asarray(info["lam"]) > 0)
    if status == _INFEASIBLE:
        return None
    raise ArithmeticError(f"the quadratic programme of a slab is not solved: solver status {status}")


def _resting(constraints: Array, bounds: Array) -> Array | None:
    """The (w, b) of least |w| with equality in the given rows; None unless w is their positive combination.

    Solved in the rows' kernel, smaller than the primal. Residuals are those of (w, b) itself, so repeating the
    solution wins back the digits that squaring the condition loses.
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
