"""The least sum of norms under linear equations, by a primal-dual interior-point method."""

from __future__ import annotations

import numpy as np
import scipy.linalg
from attrs import frozen
from numpy.typing import NDArray

Array = NDArray[np.float64]

_STEPS = 60
_BACK = 0.99  # share of the way to the boundary of a cone


def sum_of_norms(basis: Array, goal: Array, gap: float) -> tuple[Array, Array] | None:
    """Groups a (K, e) and multipliers Y (r, e) of min sum_k |a_k| subject to basis^T a = goal, to a relative gap.

    For orthonormal columns, basis (K, r); goal (r, e). Both are feasible: the equations hold, |basis_k Y| < 1.
    None where rounding ends it before the gap is reached, from about 1e-8 on. Cones (t_k, a_k), |a_k| <= t_k,
    against (1, -basis_k Y), scaled by Nesterov and Todd, with a predictor that picks the next pressure. Source:
    Vandenberghe, The CVXOPT linear and quadratic cone program solvers (2010).
    """
    dual, groups = np.zeros_like(goal), basis @ goal
    sizes = np.linalg.norm(groups, axis=1)
    heads = sizes + sizes.mean()
    for _ in range(_STEPS):
        groups = groups + basis @ (goal - basis.T @ groups)
        cost = float(np.linalg.norm(groups, axis=1).sum())
        if cost - float((dual * goal).sum()) <= gap * cost:
            return groups, dual
        try:
            scaled = _Scaled.of(basis, goal, dual, groups, heads)
        except np.linalg.LinAlgError:
            return None
        pressure = (1.0 - min(1.0, *scaled.reach(scaled.step(0.0)))) ** 3 * float(scaled.products.mean())
        step = scaled.step(pressure)
        far, near = (min(1.0, _BACK * reach) for reach in scaled.reach(step))
        dual = dual + far * step.dual
        groups, heads = groups + near * step.groups, heads + near * step.heads
    return None


@frozen
class _Step:
    """Changes of Y (r, e), basis Y (K, e), a (K, e) and t (K,)."""

    dual: Array
    image: Array
    groups: Array
    heads: Array


@frozen
class _Scaled:
    """The cones at a point with the map H, dx = -H ds, that takes (1, -basis_k Y) to (t_k, a_k), and its system.

    H = eta^2 (2 w w^T - J) with w = (head, tail), J = diag(1, -1, ..., -1).
    """

    basis: Array
    goal: Array
    image: Array
    groups: Array
    heads: Array
    slack: Array
    products: Array  # <x, s> of each cone
    square: Array  # eta^2
    head: Array
    tail: Array
    factor: tuple[Array, bool]
    unit: Array  # scales the system to a unit diagonal

    @classmethod
    def of(cls, basis: Array, goal: Array, dual: Array, groups: Array, heads: Array) -> _Scaled:
        """Raises LinAlgError where rounding has left a cone, or the system is not positive definite."""
        image = basis @ dual
        slack, room = 1.0 - (image * image).sum(1), heads**2 - (groups * groups).sum(1)
        if min(slack.min(), room.min()) <= 0.0:
            raise np.linalg.LinAlgError("outside of a cone")
        products = heads - (groups * image).sum(1)
        root, rise = np.sqrt(room), np.sqrt(slack)
        middle = 2.0 * np.sqrt((1.0 + products / (root * rise)) / 2.0)
        head = (heads / root + 1.0 / rise) / middle
        tail = (groups / root[:, None] + image / rise[:, None]) / middle[:, None]
        square = root / rise
        bent = np.sqrt(2.0 * square)[:, None] * tail
        ridge = (basis[:, :, None] * bent[:, None, :]).reshape(len(basis), -1)
        system = ridge.T @ ridge
        system += np.kron(basis.T @ (basis * square[:, None]), np.eye(goal.shape[1]))
        unit = 1.0 / np.sqrt(system.diagonal())
        factor = scipy.linalg.cho_factor(system * unit[:, None] * unit, lower=True)
        return cls(basis, goal, image, groups, heads, slack, products, square, head, tail, factor, unit)

    def step(self, pressure: float) -> _Step:
        """Newton's step to where x o s = pressure (1, 0) in every cone."""
        centre = (pressure / self.slack)[:, None] * self.image
        right = self.goal - self.basis.T @ centre
        solution = self.unit * scipy.linalg.cho_solve(self.factor, self.unit * right.ravel())
        dual = solution.reshape(self.goal.shape)
        image = self.basis @ dual
        along = 2.0 * self.square * (self.tail * image).sum(1)
        groups = centre - self.groups + along[:, None] * self.tail + self.square[:, None] * image
        return _Step(dual, image, groups, pressure / self.slack - self.heads + along * self.head)

    def reach(self, step: _Step) -> tuple[float, float]:
        """How many steps lead to the boundary, of Y and of (t, a)."""
        one, nothing = np.ones(len(self.heads)), np.zeros(len(self.heads))
        return _reach(one, self.image, nothing, step.image), _reach(
            self.heads, self.groups, step.heads, step.groups
        )


def _reach(heads: Array, tails: Array, dheads: Array, dtails: Array) -> float:
    """The least s > 0 with |a_k + s da_k| = t_k + s dt_k for some k, from |a_k| < t_k."""
    bend = (dtails * dtails).sum(1) - dheads**2
    slope = (tails * dtails).sum(1) - heads * dheads
    room = heads**2 - (tails * tails).sum(1)
    # room = 2 slope s + bend s^2, solved without cancellation
    inside = slope * slope + bend * room
    below = slope + np.sqrt(np.maximum(inside, 0.0))
    leaves = (inside >= 0.0) & (below > 0.0)
    return float((room[leaves] / below[leaves]).min(initial=np.inf))
