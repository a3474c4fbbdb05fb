"""How well a network solves its interpolation problem: violation, cost, and cost ratios."""

from __future__ import annotations

import torch
from attrs import frozen
from torch import Tensor

from flowlab.theory.convex_programs.slab_solution import slab_solution
from flowlab.theory.geometry.geometry import Geometry
from flowlab.theory.geometry.separation import cluster_gaps
from flowlab.theory.networks.affine import fits_affinely
from flowlab.theory.networks.interpolation import Interpolation


@frozen
class Violation:
    """The largest residual max (L,) and the root-mean-square residual rms (L,), over samples and coordinates."""

    max: Tensor
    rms: Tensor


def violation(residual: Tensor) -> Violation:
    """The violation of a residual h(y) - x, residual (L, Q, d), in its units."""
    return Violation(residual.abs().amax((1, 2)), residual.square().mean((1, 2)).sqrt())


def mean_squared_error(residual: Tensor) -> Tensor:
    """The training loss at each level, the mean over samples of |h(y) - x|^2: (L,).

    For a residual (L, Q, d), in squared data units. Source: arXiv 2506.19031, Figure 14 (training MSE at low
    noise).
    """
    return residual.square().sum(-1).mean(-1)


def closed_form_cost(problem: Interpolation, geometry: Geometry) -> Tensor | None:
    """The cost of the closed form with the effective radius of the samples: (L,); None without a closed form.

    Each slab keeps its direction. Its slope runs from the largest projection a_r of the samples below it to the
    least projection b_r of those above: C = sum_r 2 |g_r| / (b_r - a_r). nan where b_r <= a_r.
    """
    if geometry.closed_form is None:
        return None
    sizes = geometry.closed_form(problem.sigma.new_zeros(1)).jumps[0].norm(dim=-1)
    gaps = cluster_gaps(problem.samples, geometry)
    return (2 * sizes / torch.where(gaps > 0, gaps, torch.nan)).sum(-1)


def slab_cost(problem: Interpolation, geometry: Geometry) -> Tensor:
    """The cost of the cheapest slabs for the same samples: (L,); nan where there are none.

    These are slabs over all dichotomies (see `least_slabs`). Other networks may cost less, so this is an upper
    bound of the least cost of a network.
    """
    slabs, usable = slab_solution(problem.samples, geometry.points, geometry.pattern)
    return torch.where(usable, slabs.cost, torch.nan)


def to_list(values: Tensor) -> list[float | None]:
    """The numbers values (L,) as a list, with None in place of nan."""
    return [None if value != value else value for value in values.double().tolist()]


def quality(
    residual: Tensor, cost: Tensor, balanced: Tensor, problem: Interpolation, geometry: Geometry, most: Tensor
) -> dict[str, list[float | None]]:
    """The numbers that judge a trained denoiser, one per noise level each.

    residual (L, N * M, d), cost (L,) and balanced cost, balanced (L,). A network interpolates if its violation is
    at most most (L,). A network that does not interpolate has no cost ratios (None).

    `slab_ratio` is the cost divided by that of the slabs of the same samples, which is an upper bound of the least
    cost. A network that interpolates at a ratio above 1 is not of minimum norm; one well below 1 is cheaper than
    any known construction. There is no ratio where an affine map interpolates at no cost.
    """
    violations = violation(residual)
    valid_cost, valid_balanced = (
        torch.where(violations.max <= most, values, torch.nan) for values in (cost, balanced)
    )
    slab = slab_cost(problem, geometry)
    reference = torch.where(fits_affinely(problem.samples, problem.points), torch.nan, slab)
    closed = closed_form_cost(problem, geometry)
    closed = torch.full_like(slab, torch.nan) if closed is None else closed
    metrics = {
        "violation_max": violations.max,
        "violation_rms": violations.rms,
        "mse": mean_squared_error(residual),
        "cost": cost,
        "cost_balanced": balanced,
        "cost_closed_form": closed,
        "cost_slab": slab,
        "cost_ratio": valid_cost / closed,
        "slab_ratio": valid_cost / reference,
        "balanced_ratio": valid_balanced / reference,
    }
    return {name: to_list(value) for name, value in metrics.items()}
