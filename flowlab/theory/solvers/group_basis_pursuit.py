"""Group basis pursuit: the least weighted sum of norms under linear equations."""

from __future__ import annotations

import numpy as np
import scipy.linalg
from attrs import frozen
from numpy.typing import NDArray

from flowlab.theory.solvers.sum_of_norms import sum_of_norms

Array = NDArray[np.float64]

# Relative size of a singular value, or of a remainder, that is rounding.
_ROUNDING = 1e-10
_LIFTS = (0.0, 1e-15, 1e-14, 1e-13, 1e-12)
_SHRINK = 0.03  # of the barrier, once a step is centred
_NEWTON = 400
_POLISH = 12
_FINE = 1e-9  # a gap below which Newton's method is near enough to converge
_LARGEST = 3000  # unknowns of a dense system
_IDLE = 1e-7  # a group this much below the largest, by its part of the cost, is tried at zero


@frozen
class Pursuit:
    """A solution: groups a (K, d), multipliers Y (q, d), cost sum_k m_k |a_k|, and the bound <Y, T> proved by Y.

    The bound holds over the given groups, as |p_k Y| <= m_k for each of them.
    """

    groups: Array
    multipliers: Array
    cost: float
    bound: float


def group_basis_pursuit(rows: Array, target: Array, weights: Array, gap: float = 1e-11) -> Pursuit | None:
    """Minimise sum_k m_k |a_k| subject to sum_k p_k^T a_k = T: rows p (K, q), target T (q, d), weights m (K,) > 0.

    None where the equations have no solution. To a wide relative `gap` by a primal-dual method; to a small one by
    a barrier on the dual, max <Y, T> subject to |p_k Y| <= m_k, which loses fewer digits to rounding, then by
    Newton's method on the groups that are not zero. What is returned fulfils the equations to rounding, and
    cost - bound is a duality gap. Source: Boyd and Vandenberghe, Convex Optimization, Chapter 11.
    """
    left, singular, right = np.linalg.svd(rows / weights[:, None], full_matrices=False)
    kept = singular > _ROUNDING * singular.max(initial=0.0)
    basis = left[:, kept]  # (K, r), orthonormal: the equations are basis^T a = goal, the costs |a_k|
    back = right[kept].T / singular[kept]
    goal = back.T @ target
    size = np.linalg.norm(target)
    if size == 0.0:
        return Pursuit(np.zeros((len(rows), target.shape[1])), np.zeros_like(target), 0.0, 0.0)
    if np.linalg.norm(right[kept].T @ (singular[kept, None] * goal) - target) > 1e2 * _ROUNDING * size:
        return None
    span, lengths, frame = np.linalg.svd(goal, full_matrices=False)
    rank = lengths > 1e-14 * lengths[0]
    scale = lengths[0]
    goal = span[:, rank] * (lengths[rank] / scale)
    rough = sum_of_norms(basis, goal, gap) if gap > _FINE else None
    groups, dual = _barrier(basis, goal, gap) if rough is None else rough
    if gap <= _FINE:
        groups, dual = _polished(basis, goal, groups, dual)
    most = np.linalg.norm(basis @ dual, axis=1).max(initial=1.0)
    axes = frame[rank]
    return Pursuit(
        scale * (groups / weights[:, None]) @ axes,
        (back @ dual / most) @ axes,
        scale * float(np.linalg.norm(groups, axis=1).sum()),
        scale * float((dual * goal).sum() / most),
    )


def _barrier(basis: Array, goal: Array, gap: float) -> tuple[Array, Array]:
    """Groups (K, e) and multipliers (r, e) of min sum_k |a_k| subject to basis^T a = goal, by Newton's steps."""
    count, size = basis.shape
    width = goal.shape[1]
    dual = np.zeros_like(goal)
    pressure = float(np.linalg.norm(basis @ goal, axis=1).sum()) / count
    identity = np.eye(width)
    for _ in range(_NEWTON):
        image = basis @ dual
        slack = 1.0 - (image * image).sum(1)
        groups = 2 * pressure * image / slack[:, None]
        gradient = goal - basis.T @ groups
        bent = (2 * pressure**0.5 / slack)[:, None] * image
        ridge = (basis[:, :, None] * bent[:, None, :]).reshape(count, -1)
        curvature = ridge.T @ ridge
        curvature += np.kron(basis.T @ (basis * (2 * pressure / slack)[:, None]), identity)
        try:
            step = _solve(curvature, gradient.ravel())
        except np.linalg.LinAlgError:
            break
        decrement = float(gradient.ravel() @ step) / pressure
        direction = step.reshape(size, width)
        moved = basis @ direction
        longest = _longest(image, moved)
        dual = dual + direction * min(1.0, 0.9 * longest if decrement > 0.1 else 1.0, 0.99 * longest)
        if decrement < 0.25:
            groups = _primal(
                basis,
                goal,
                2 * pressure * (image + moved) / slack[:, None]
                + (4 * pressure * (image * moved).sum(1) / slack**2)[:, None] * image,
            )
            cost = np.linalg.norm(groups, axis=1).sum()
            if cost - (dual * goal).sum() <= gap * cost:
                break
            pressure *= _SHRINK
            if 2 * count * pressure < 0.01 * gap * cost:
                break
    return _primal(basis, goal, groups), dual


def _solve(matrix: Array, right: Array) -> Array:
    """The solution of a positive definite system, scaled to a unit diagonal, or lifted by what rounding took."""
    scale = 1 / np.sqrt(matrix.diagonal())
    scaled = matrix * scale[:, None] * scale
    for lift in _LIFTS:
        try:
            factor = np.linalg.cholesky(scaled + lift * np.eye(len(scaled)))
        except np.linalg.LinAlgError:
            continue
        solution: Array = scale * scipy.linalg.cho_solve((factor, True), scale * right)
        return solution
    raise np.linalg.LinAlgError("the system is not positive definite")


def _longest(image: Array, moved: Array) -> float:
    """The step at which the first |image_k + t moved_k| reaches 1."""
    square, cross = (moved * moved).sum(1), (image * moved).sum(1)
    rest = 1.0 - (image * image).sum(1)
    going = square > 0
    root = np.sqrt(cross[going] ** 2 + square[going] * rest[going])
    # without cancellation: rest / (cross + root) where cross > 0
    ahead = cross[going] > 0
    lengths = np.where(ahead, rest[going] / np.where(ahead, cross[going] + root, 1.0), 0.0)
    lengths = np.where(ahead, lengths, (root - cross[going]) / square[going])
    return float(lengths.min(initial=np.inf))


def _primal(basis: Array, goal: Array, groups: Array) -> Array:
    """The groups moved onto the equations, most where they are large: a zero group stays near zero."""
    sizes = np.linalg.norm(groups, axis=1)
    for _ in range(2):
        scaled = basis * sizes[:, None]
        groups = groups + sizes[:, None] * (np.linalg.pinv(scaled.T, rcond=1e-12) @ (goal - basis.T @ groups))
    return groups + basis @ (goal - basis.T @ groups)


def _polished(basis: Array, goal: Array, groups: Array, dual: Array) -> tuple[Array, Array]:
    """Newton's method on a_k = alpha_k basis_k Y, |basis_k Y| = 1, small groups at zero; as given if it fails."""
    sizes = np.linalg.norm(groups, axis=1)
    active = sizes > _IDLE * sizes.max()
    some, alpha, width = basis[active], sizes[active], goal.shape[1]
    if some.shape[0] * width > _LARGEST or some.shape[1] * width > _LARGEST:
        return groups, dual
    fresh = dual
    for _ in range(_POLISH):
        image = some @ fresh
        residual = np.concatenate(
            [(goal - some.T @ (alpha[:, None] * image)).ravel(), (1 - (image * image).sum(1)) / 2]
        )
        if np.abs(residual).max() < 1e-15:
            break
        ridge = (some[:, :, None] * image[:, None, :]).reshape(len(some), -1)
        block = np.kron((some * alpha[:, None]).T @ some, np.eye(width))
        system = np.block([[block, ridge.T], [ridge, np.zeros((len(some),) * 2)]])
        change = np.linalg.pinv(system, rcond=1e-12, hermitian=True) @ residual
        fresh = fresh + change[: fresh.size].reshape(fresh.shape)
        alpha = alpha + change[fresh.size :]
    exact = np.zeros_like(groups)
    exact[active] = alpha[:, None] * (some @ fresh)
    exact[active] += np.linalg.pinv(some.T, rcond=1e-12) @ (goal - some.T @ exact[active])
    cost = np.linalg.norm(exact, axis=1).sum()
    met = np.abs(basis.T @ exact - goal).max() <= 1e-13 * np.abs(exact).max()
    if not (np.isfinite(cost) and met and cost <= sizes.sum() * (1 + 1e-14)):
        return groups, dual
    most = np.linalg.norm(basis @ fresh, axis=1).max()
    better = np.isfinite(most) and (fresh * goal).sum() / max(most, 1.0) >= (dual * goal).sum()
    return exact, fresh if better else dual
