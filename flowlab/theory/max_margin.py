"""Max-margin slabs: the finite-sample minimum by convex programming, one hard-margin problem a slab."""

from __future__ import annotations

import daqp
import numpy as np
import torch
from attrs import frozen
from numpy.typing import NDArray
from torch import Tensor

Array = NDArray[np.float64]

# Constraint violation at which a slab counts as solved; the solver's own feasibility is 1e-12.
TOLERANCE = 1e-10
_SEEDS_PER_CLUSTER = 3
_ADDED_PER_ROUND = 60
_ROUNDS = 200


@frozen
class Margins:
    """Hard-margin solutions: weights (L, R, d), biases (L, R), feasible (L, R).

    An infeasible slab, whose clusters no hyperplane separates, has weights and bias nan.
    """

    weights: Tensor
    biases: Tensor
    feasible: Tensor


def separate(samples: Tensor, pattern: Tensor) -> Margins:
    """Solve, for each level and slab, min |w| with w.y + b >= 1 on some clusters and <= 0 on the others.

    samples (L, N, M, d); pattern (R, N) is True where a slab is 1. Solved to 1e-10 in float64 on the CPU
    by a working set of samples and a dual active-set solver; a quadratic programme of d + 1 unknowns.
    """
    levels, _, _, dimension = samples.shape
    data = samples.detach().cpu().double().numpy()
    # the solver's tolerances are absolute: let it see data of size one about the origin
    center = data.mean(axis=(0, 1, 2))
    scale = float(np.abs(data - center).max()) or 1.0
    data = (data - center) / scale
    signs = np.where(pattern.cpu().numpy(), 1.0, -1.0)
    solutions = np.stack([[_slab(level, sign) for sign in signs] for level in data])
    solutions = solutions.reshape(levels, len(signs), dimension + 1)
    weights = solutions[..., :-1] / scale
    biases = solutions[..., -1] - weights @ center
    feasible = torch.from_numpy(np.isfinite(biases)).to(samples.device)
    return Margins(torch.from_numpy(weights).to(samples), torch.from_numpy(biases).to(samples), feasible)


def _slab(clusters: Array, signs: Array) -> Array:
    """One slab's (w, b) of length d + 1 for clusters (N, M, d) and signs (N,); nan if infeasible."""
    count, size, dimension = clusters.shape
    rows = clusters.reshape(-1, dimension)
    sign = np.repeat(signs, size)
    bounds = (sign > 0).astype(float)  # sign * (w . y + b) >= 1 above, >= 0 below
    means = clusters.mean(axis=1)
    guess = means[signs > 0].mean(axis=0) - means[signs < 0].mean(axis=0)
    closest = (sign * (rows @ guess)).reshape(count, size)
    seeds = min(_SEEDS_PER_CLUSTER, size)
    working = (np.argpartition(closest, seeds - 1, axis=1)[:, :seeds] + size * np.arange(count)[:, None]).ravel()
    for _ in range(_ROUNDS):
        solution = _quadratic_programme(rows[working], sign[working], bounds[working])
        if solution is None:
            break
        slack = sign * (rows @ solution[:-1] + solution[-1]) - bounds
        worst = np.argsort(slack)[:_ADDED_PER_ROUND]
        violated = worst[slack[worst] < -TOLERANCE]
        fresh = np.setdiff1d(violated, working)
        if not len(fresh):
            return solution
        working = np.union1d(working, fresh)
    return np.full(dimension + 1, np.nan)


def _quadratic_programme(rows: Array, sign: Array, bounds: Array) -> Array | None:
    """Minimise 1/2 |w|^2 subject to sign * (w . y + b) >= bounds; None where there is no solution."""
    constraints = np.ascontiguousarray(np.c_[rows, np.ones(len(rows))] * sign[:, None])
    size = constraints.shape[1]
    hessian = np.eye(size)
    hessian[-1, -1] = 0.0  # the bias is free
    unbounded = np.full(len(rows), 1e30)
    inequality = np.zeros(len(rows), dtype=np.int32)
    solution, _, status, info = daqp.solve(
        hessian, np.zeros(size), constraints, unbounded, bounds, inequality, primal_tol=1e-11
    )
    if status <= 0:
        return None
    polished = _polish(hessian, constraints, bounds, np.abs(info["lam"]) > 0)
    feasible = (constraints @ polished - bounds).min() >= -TOLERANCE
    return polished if feasible else np.asarray(solution)


def _polish(hessian: Array, constraints: Array, bounds: Array, active: NDArray[np.bool_]) -> Array:
    """The exact optimum of a known active set, by its linear optimality conditions.

    The free bias makes the Hessian singular, so the solver works on a regularised problem and stops
    1e-7 short of the optimum; one linear system closes the gap.
    """
    held = constraints[active]
    zero = np.zeros((len(held), len(held)))
    system = np.block([[hessian, held.T], [held, zero]])
    right = np.r_[np.zeros(len(hessian)), bounds[active]]
    try:
        return np.linalg.solve(system, right)[: len(hessian)]
    except np.linalg.LinAlgError:  # more active constraints than unknowns
        return np.full(len(hessian), np.nan)
