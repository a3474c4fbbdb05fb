"""Where the iteration of a denoiser ends, and whether that is an attractor: what 'stable' means here."""

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

# Numbers in the frame, where lengths are of size one: what is equal but for rounding, and a step that is none.
_EQUAL = 1e-9
_STILL = 1e-12
# Corrections of a limit that the iteration only creeps up to; from one piece to its neighbour takes another.
_CORRECTIONS = 5


@frozen
class Attractors:
    """Where y <- h(y) ends from some points (P, d): `limits` (P, d), data units.

    `converged` (P,): the limit is a fixed point, h(y) = y to rounding. `stable` (P,): it is one, and an attractor:
    all eigenvalues of the Jacobian of h have real part below 1 on every affine piece that meets it, and on a kink
    the distance from it falls on each of them. `undecided` (P,): it is a fixed point, and whether it is an
    attractor could not be told (see `pieces.stability`).
    """

    limits: Tensor
    converged: Tensor
    stable: Tensor
    undecided: Tensor


def attractors(network: Any, points: Tensor, frame: Frame, iterations: int) -> Attractors:
    """Iterate a denoiser of one level from points (P, d), at most so many times, and judge where it ends.

    Slabs and ReLU networks are judged piece by piece, any other callable, (1, S, d) to (1, S, d), by its Jacobian
    at the limit. A limit that the iteration only creeps up to is found by the linear system of its piece. `frame`
    says what is small.
    """
    slack = max(_EQUAL, 100 * frame.rounding)
    start = frame.inside(points)
    affine = as_relu_network(network)
    denoise = frame.denoiser_inside(lambda y: network(y[None])[0])
    if affine is not None:
        inside = frame.network_inside(affine.to(torch.float64))
        start = start.to(torch.float64)
        denoise = lambda z: inside(z[None])[0]  # noqa: E731
    state = _iterated(denoise, start, iterations)
    state = _corrected(denoise, state, slack)
    converged = (denoise(state) - state).norm(dim=-1) <= slack
    stable, undecided = torch.zeros_like(converged), torch.zeros_like(converged)
    if affine is not None:
        stable[converged], undecided[converged] = stability(inside, state[converged], slack)
    else:
        growth = worst_growth(_jacobians(denoise, state[converged]))
        stable[converged] = growth < 1 - slack
        undecided[converged] = (growth - 1).abs() <= slack
    return Attractors(frame.outside(state).to(points), converged, stable, undecided)


def _iterated(denoise: Callable[[Tensor], Tensor], start: Tensor, iterations: int) -> Tensor:
    """The states (P, d) after the iteration; those that stand still are left alone."""
    state = start.clone()
    moving = torch.arange(len(state), device=state.device)
    for _ in range(iterations):
        if not len(moving):
            break
        moved = denoise(state[moving])
        step = (moved - state[moving]).abs().amax(-1)
        state[moving] = moved
        moving = moving[step > _STILL]
    return state


def _corrected(denoise: Callable[[Tensor], Tensor], state: Tensor, slack: float) -> Tensor:
    """Solve y = J y + c on the piece of each state that still moves; kept where that comes nearer to rest."""
    identity = torch.eye(state.shape[-1]).to(state)
    for _ in range(_CORRECTIONS):
        residual = denoise(state) - state
        size = residual.norm(dim=-1)
        late = (size > _STILL).nonzero()[:, 0]
        if not len(late):
            break
        step, info = torch.linalg.solve_ex(identity - _jacobians(denoise, state[late]), residual[late][..., None])
        better = state[late] + step[..., 0]
        gain = (denoise(better) - better).norm(dim=-1) < size[late] / 2
        kept = (info == 0) & gain  # false where a solution is not finite
        if not bool(kept.any()):
            break
        state = state.index_copy(0, late[kept], better[kept])
    return state


def _jacobians(denoise: Callable[[Tensor], Tensor], z: Tensor) -> Tensor:
    """dh/dz at points (P, d): (P, d, d)."""
    if not len(z):
        return z.new_zeros(0, z.shape[-1], z.shape[-1])
    one = torch.func.jacrev(lambda point: denoise(point[None])[0])
    jacobians: Tensor = torch.func.vmap(one, chunk_size=1024)(z)
    return jacobians.detach()
