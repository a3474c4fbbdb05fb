"""Where the iteration of a denoiser ends, and whether that point is an attractor: the meaning of 'stable'."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from attrs import frozen
from torch import Tensor

from flowlab.theory.flows.pieces import stability
from flowlab.theory.flows.spectrum import worst_growth
from flowlab.theory.geometry.frame import Frame
from flowlab.theory.networks.relu_network import as_relu_network

# In the frame, where lengths are of size one: the tolerance of equality, and the step at which iteration stops.
_EQUAL = 1e-9
_CONVERGED_STEP = 1e-12
# Newton corrections of a limit that the iteration approaches slowly; each change of the affine piece needs one
# more.
_CORRECTIONS = 5


@frozen
class Attractors:
    """Where the iteration y <- h(y) ends from P points: limits (P, d), in data units.

    converged (P,): the limit is a fixed point, h(y) = y to rounding. stable (P,): it is a fixed point and an
    attractor. That is, all eigenvalues of the Jacobian of h have real part below 1 on every affine piece that
    meets it, and on a kink the distance from it also decreases on each of them. undecided (P,): it is a fixed
    point, and the test cannot decide whether it is an attractor (see `pieces.stability`).
    """

    limits: Tensor
    converged: Tensor
    stable: Tensor
    undecided: Tensor


def attractors(network: Any, points: Tensor, frame: Frame, iterations: int) -> Attractors:
    """Iterate a denoiser of one level from points (P, d), at most `iterations` times, and judge the limits.

    Slabs and ReLU networks are judged piece by piece; any other callable, (1, S, d) to (1, S, d), by its Jacobian
    at the limit. A limit that the iteration approaches slowly is computed from the linear system of its piece.
    `frame` gives the length against which tolerances are measured.
    """
    slack = max(_EQUAL, 100 * frame.rounding)
    start = frame.inside(points)
    affine = as_relu_network(network)
    denoise = frame.denoiser_inside(lambda y: network(y[None])[0])
    if affine is not None:
        inside = frame.network_inside(affine.to(torch.float64))
        start = start.to(torch.float64)
        denoise = lambda z: inside(z[None])[0]  # noqa: E731
    state = _iterate(denoise, start, iterations)
    state = _correct(denoise, state)
    converged = (denoise(state) - state).norm(dim=-1) <= slack
    stable, undecided = torch.zeros_like(converged), torch.zeros_like(converged)
    if affine is not None:
        stable[converged], undecided[converged] = stability(inside, state[converged], slack)
    else:
        growth = worst_growth(_jacobians(denoise, state[converged]))
        stable[converged] = growth < 1 - slack
        undecided[converged] = (growth - 1).abs() <= slack
    return Attractors(frame.outside(state).to(points), converged, stable, undecided)


def _iterate(denoise: Callable[[Tensor], Tensor], start: Tensor, iterations: int) -> Tensor:
    """The states (P, d) after the iteration; converged states are not iterated any further."""
    state = start.clone()
    moving = torch.arange(len(state), device=state.device)
    for _ in range(iterations):
        if not len(moving):
            break
        denoised = denoise(state[moving])
        step = (denoised - state[moving]).abs().amax(-1)
        state[moving] = denoised
        moving = moving[step > _CONVERGED_STEP]
    return state


def _correct(denoise: Callable[[Tensor], Tensor], state: Tensor) -> Tensor:
    """Solve y = J y + c on the piece of each state that still moves, where that halves |h(y) - y| or better."""
    identity = torch.eye(state.shape[-1]).to(state)
    for _ in range(_CORRECTIONS):
        residual = denoise(state) - state
        size = residual.norm(dim=-1)
        moving = (size > _CONVERGED_STEP).nonzero()[:, 0]
        if not len(moving):
            break
        systems = identity - _jacobians(denoise, state[moving])
        step, info = torch.linalg.solve_ex(systems, residual[moving][..., None])
        solution = state[moving] + step[..., 0]
        improved = (denoise(solution) - solution).norm(dim=-1) < size[moving] / 2
        accepted = (info == 0) & improved  # false where a solution is not finite
        if not bool(accepted.any()):
            break
        state = state.index_copy(0, moving[accepted], solution[accepted])
    return state


def _jacobians(denoise: Callable[[Tensor], Tensor], z: Tensor) -> Tensor:
    """The Jacobians dh/dz at points (P, d): (P, d, d)."""
    if not len(z):
        return z.new_zeros(0, z.shape[-1], z.shape[-1])
    jacobian_at = torch.func.jacrev(lambda point: denoise(point[None])[0])
    jacobians: Tensor = torch.func.vmap(jacobian_at, chunk_size=1024)(z)
    return jacobians.detach()
