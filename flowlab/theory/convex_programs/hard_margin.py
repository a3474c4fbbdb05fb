"""The hard-margin separator of few samples: a quadratic programme, solved to rounding and checked."""

from __future__ import annotations

import daqp
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Indices = NDArray[np.intp]

# Constraint violation at which samples count as separated; the solver's own feasibility is a tenth of it.
TOLERANCE = 1e-10
# Samples closer than this to touching count as not separable: rounding is |w| times 1e-16, and must be far below
# the tolerance.
TOUCHING = 1e-5
# The solver wants a strictly convex cost: the free bias is held by 1/2 PULL (b - b_last)^2, then let go. With a
# weak pull it cycles, or takes a narrow gap for none.
_PULL = 0.01
_STEPS = 30
_INFEASIBLE = -1  # a status of the solver; positive ones are successes


def hard_margin(rows: Array, sign: Array, active: Indices) -> tuple[Array, Indices] | None:
    """Minimise |w| subject to w . y + b >= 1 where sign (Q,) is 1, <= 0 where it is -1; rows y (Q, d).

    Returns (w, b) of length d + 1 and the rows that it rests on, those with positive multipliers; None where
    no hyperplane separates the samples by a gap 1 / |w| of 1e-5. `active` rows are tried first. Data should be
    of size one. A proximal method, but what it returns fulfils the optimality conditions of the programme
    itself: constraints to 1e-10, multipliers, and w their combination.
    """
    bounds = np.maximum(sign, 0.0)
    constraints = np.column_stack([rows * sign[:, None], sign])
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
