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
    """Largest and root-mean-square residual of h(y_nm) = x_n, over samples and coordinates: (L,) each."""

    max: Tensor
    rms: Tensor


def violation(residual: Tensor) -> Violation:
    """The violation of residuals h(y) - x (L, Q, d), in data units."""
    return Violation(residual.abs().amax((1, 2)), residual.square().mean((1, 2)).sqrt())


def mean_squared_error(residual: Tensor) -> Tensor:
    """The training loss at each level (L,): the mean over samples of |h(y) - x|^2, residuals (L, Q, d).

    In squared data units. Source: arXiv 2506.19031, Figure 14 (its training MSE at low noise).
    """
    return residual.square().sum(-1).mean(-1)


def closed_form_cost(problem: Interpolation, geometry: Geometry) -> Tensor | None:
    """Cost of the closed form with the effective radius of the samples (L,); None without a closed form.

    Each slab keeps its direction; its slope runs from the largest projection a_r of the samples below it
    to the smallest projection b_r of those above: C = sum_r 2 |g_r| / (b_r - a_r). nan where b_r <= a_r.
    """
    if geometry.closed_form is None:
        return None
    sizes = geometry.closed_form(problem.sigma.new_zeros(1)).jumps[0].norm(dim=-1)
    gaps = cluster_gaps(problem.samples, geometry)
    return (2 * sizes / torch.where(gaps > 0, gaps, torch.nan)).sum(-1)


def slab_cost(problem: Interpolation, geometry: Geometry) -> Tensor:
    """Cost of the cheapest slabs found for the same samples (L,); nan where there are none.

    An upper bound of the least cost of a network: slabs over all dichotomies, but slabs alone.
    """
    slabs, usable = slab_solution(problem.samples, geometry.points, geometry.pattern)
    return torch.where(usable, slabs.cost, torch.nan)


def listed(values: Tensor) -> list[float | None]:
    """Numbers for people: one a level, None where there is none."""
    return [None if value != value else value for value in values.double().tolist()]


def quality(
    residual: Tensor, cost: Tensor, balanced: Tensor, problem: Interpolation, geometry: Geometry, most: Tensor
) -> dict[str, list[float | None]]:
    """The figures by which a trained denoiser is judged, one number a noise level each.

    A network interpolates if its violation is at most `most` (L,). The cost of another compares with nothing: it
    has no ratios.

    `slab_ratio` is the cost over that of the slabs of the same samples, which bounds the least cost from above: a
    network that interpolates at a ratio above 1 is not of minimum norm, one well below 1 is cheaper than any known
    construction. There is no ratio where an affine map interpolates, at no cost.
    """
    off = violation(residual)
    cost_of, balanced_of = (torch.where(off.max <= most, each, torch.nan) for each in (cost, balanced))
    slab = slab_cost(problem, geometry)
    compared = torch.where(fits_affinely(problem.samples, problem.points), torch.nan, slab)
    closed = closed_form_cost(problem, geometry)
    closed = torch.full_like(slab, torch.nan) if closed is None else closed
    figures = {
        "violation_max": off.max,
        "violation_rms": off.rms,
        "mse": mean_squared_error(residual),
        "cost": cost,
        "cost_balanced": balanced,
        "cost_closed_form": closed,
        "cost_slab": slab,
        "cost_ratio": cost_of / closed,
        "slab_ratio": cost_of / compared,
        "balanced_ratio": balanced_of / compared,
    }
    return {name: listed(value) for name, value in figures.items()}
