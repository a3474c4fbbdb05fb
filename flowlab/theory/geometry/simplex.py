"""The closed-form denoiser of a simplex on balls: of minimum norm, or an upper bound of the minimum."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from flowlab.theory.convex_programs.balls import slabs_on_balls
from flowlab.theory.convex_programs.dichotomies import MOST_POINTS
from flowlab.theory.convex_programs.max_margin import separate
from flowlab.theory.convex_programs.wide_vertex import angle_slack, wide_vertex
from flowlab.theory.geometry.geometry import Geometry
from flowlab.theory.geometry.polytope import box, hull
from flowlab.theory.networks.slabs import Slabs
from flowlab.theory.solvers.fermat_weber import weighted_fermat_weber

# The smallest singular value, as a share of the largest, at which points still span a simplex.
_RANK = 1e-9


def simplex_closed_form(points: Tensor) -> Callable[[Tensor], Slabs]:
    """The denoiser with one slab per point that maps each ball B(x_n, rho) to x_n.

    For affinely independent points (N, d). With p_n the projection of x_n onto the hull of the other points,
    D_n = |x_n - p_n| and d_n = (x_n - p_n) / D_n,
    h(y) = c + sum_n (x_n - c) clip((d_n . (y - p_n) - rho) / (D_n - 2 rho), 0, 1),
    where c is the Fermat-Weber point with weights 1 / (D_n - 2 rho). The returned function takes rho (L,) and
    raises ValueError where 2 rho >= D_n for a point other than c. It has minimum norm for orthogonal sets, obtuse
    simplices and the equilateral triangle (arXiv 2311.06748; arXiv 2506.19031, Section 3 and Appendix C). For any
    other simplex it is an upper bound: `slabs_on_balls` never costs more, because one slab may raise several
    points there.
    """
    gaps, directions, feet = (part.to(points) for part in _foot_planes(points.double()))
    vertex = wide_vertex(points)

    def closed_form(rho: Tensor) -> Slabs:
        radius = rho.to(points)[:, None]
        width = gaps - 2 * radius
        weight = torch.where(width > 0, 1 / width, torch.inf)
        if vertex is not None:
            # c is this vertex at every rho; at rho = 0 its weight is a tie, which rounding would decide
            weight[:, vertex] = torch.inf
        if bool((weight.isinf().sum(-1) > 1).any()):
            limit = gaps.sort().values[1] / 2
            raise ValueError(f"balls of radius {rho.max():.4g} are too large: rho must be below {limit:.4g}")
        offset = torch.stack([weighted_fermat_weber(points, w) for w in weight])
        jumps = points - offset[:, None]
        idle = jumps.norm(dim=-1) <= 1e-12 * gaps.max()
        finite = torch.where(idle, 0.0, weight)
        kept = ~idle.all(0)
        biases = -(feet + radius) * finite
        jumps = torch.where(idle[..., None], 0.0, jumps)
        return Slabs(offset, jumps[:, kept], (finite[..., None] * directions)[:, kept], biases[:, kept])

    return closed_form


def affinely_independent(points: Tensor) -> bool:
    """Whether points (N, d) are the vertices of a simplex, beyond the rounding of their coordinates."""
    singular = torch.linalg.svdvals(points[1:] - points[0])
    rounding = len(points) * torch.finfo(points.dtype).eps * points.abs().max()
    return len(points) - 1 <= points.shape[-1] and bool(singular[-1] > _RANK * singular[0] + rounding)


def simplex_geometry(points: Tensor) -> Geometry:
    """The geometry of a simplex with the vertices points (N, d).

    Its closed form has one slab per point where a theorem says so or where there are more than 14 points, else
    slabs over all dichotomies. Subset sums start at the offset c of the noiseless denoiser with one slab per
    point. If c is a vertex, the cell is the box of its edges, else it is the simplex itself. Raises ValueError
    unless the points are affinely independent.
    """
    if not affinely_independent(points):
        singular = torch.linalg.svdvals(points[1:] - points[0])
        raise ValueError(
            f"the points are no simplex: {len(points)} points in {points.shape[-1]} dimensions, smallest "
            f"singular value of their edges {singular[-1]:.3g}"
        )
    form = simplex_closed_form(points)
    anchor = form(points.new_zeros(1)).offset[0]
    edges = points - anchor
    edges = edges[edges.norm(dim=-1) > 1e-12 * edges.norm(dim=-1).max()]
    cell = box(anchor, edges) if len(edges) < len(points) else hull(points)
    if not _theorem(points) and len(points) <= MOST_POINTS:
        form = slabs_on_balls(points)
    return Geometry(points, anchor, edges, cell, form, conjecture=_conjecture(points))


def _foot_planes(points: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Gaps D (N,), directions d (N, d) and feet d_n . p_n (N,): the max-margin slabs of single points.

    Raises ValueError where the points are so nearly degenerate that some slab is infeasible.
    """
    margins = separate(points[None, :, None], torch.eye(len(points), dtype=torch.bool))
    if not bool(margins.feasible.all()):
        raise ValueError("the points are too nearly degenerate: no slab separates one of them from the others")
    slopes = margins.weights[0].norm(dim=-1)
    gaps, directions = 1 / slopes, margins.weights[0] / slopes[:, None]
    return gaps, directions, (directions * points).sum(-1) - gaps


def _theorem(points: Tensor) -> bool:
    """Whether the points are an orthogonal set, an obtuse simplex or an equilateral triangle, to rounding."""
    sides = torch.nn.functional.pdist(points)
    equilateral = len(points) == 3 and bool(sides.max() - sides.min() <= angle_slack(points) * sides.max())
    return equilateral or wide_vertex(points) is not None


def _conjecture(points: Tensor) -> str | None:
    """The part of the closed form that is not a theorem, in words."""
    if _theorem(points):
        return None
    family = "all slabs" if len(points) <= MOST_POINTS else "slabs of one point each"
    return (
        "the closed form is the minimum for orthogonal, obtuse and equilateral sets; for this simplex it is the "
        f"least of {family}, an upper bound of the minimum"
    )
