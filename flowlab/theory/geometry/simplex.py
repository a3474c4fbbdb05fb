"""The closed-form denoiser of a simplex, balls in place of samples: the minimum norm, or an upper bound of it."""

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

# Smallest singular value, relative to the largest, at which points still span a simplex.
_RANK = 1e-9


def simplex_closed_form(points: Tensor) -> Callable[[Tensor], Slabs]:
    """One slab a point that maps each ball B(x_n, rho) to x_n, for affinely independent points (N, d).

    With p_n the projection of x_n onto the hull of the other points, D_n = |x_n - p_n| and
    d_n = (x_n - p_n) / D_n:
    h(y) = c + sum_n (x_n - c) clip((d_n . (y - p_n) - rho) / (D_n - 2 rho), 0, 1),
    c the Fermat-Weber point of weights 1 / (D_n - 2 rho). The returned function takes rho (L,) and raises
    ValueError where 2 rho >= D_n for a point other than c. It is the minimum norm of orthogonal sets, obtuse
    simplices (arXiv 2311.06748, Theorems on minimisers) and the equilateral triangle. Of another simplex it is
    an upper bound: `slabs_on_balls` is never dearer, as slabs may lift several points there.
    """
    gaps, directions, feet = (part.to(points) for part in _foot_planes(points.double()))
    vertex = wide_vertex(points)

    def closed_form(rho: Tensor) -> Slabs:
        radius = rho.to(points)[:, None]
        width = gaps - 2 * radius
        weight = torch.where(width > 0, 1 / width, torch.inf)
        if vertex is not None:
            # c is this vertex at every rho; at rho = 0 its weight only ties, and rounding would decide
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
    """Whether points (N, d) are the vertices of a simplex, by more than the rounding of their coordinates."""
    singular = torch.linalg.svdvals(points[1:] - points[0])
    rounding = len(points) * torch.finfo(points.dtype).eps * points.abs().max()
    return len(points) - 1 <= points.shape[-1] and bool(singular[-1] > _RANK * singular[0] + rounding)


def simplex_geometry(points: Tensor) -> Geometry:
    """The geometry of a simplex (N, d). Raises ValueError unless the points are affinely independent.

    Its closed form has one slab a point where that is a theorem or points are many, else slabs over all
    dichotomies. Subset sums start at the offset c of the noiseless denoiser of one slab a point. If c is a vertex
    the flows end in the box of its edges, else in the simplex itself.
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

    Raises ValueError where the points are too nearly degenerate to be told apart.
    """
    margins = separate(points[None, :, None], torch.eye(len(points), dtype=torch.bool))
    if not bool(margins.feasible.all()):
        raise ValueError("the points are too nearly degenerate: no slab tells one from the others")
    slopes = margins.weights[0].norm(dim=-1)
    gaps, directions = 1 / slopes, margins.weights[0] / slopes[:, None]
    return gaps, directions, (directions * points).sum(-1) - gaps


def _theorem(points: Tensor) -> bool:
    """Whether the points are an orthogonal set, an obtuse simplex or an equilateral triangle, to rounding."""
    sides = torch.nn.functional.pdist(points)
    equilateral = len(points) == 3 and bool(sides.max() - sides.min() <= angle_slack(points) * sides.max())
    return equilateral or wide_vertex(points) is not None


def _conjecture(points: Tensor) -> str | None:
    """What of the closed form is not a theorem."""
    if _theorem(points):
        return None
    family = "all slabs" if len(points) <= MOST_POINTS else "slabs of one point each"
    return (
        "the closed form is the minimum for orthogonal, obtuse and equilateral sets; for this simplex it is the "
        f"least of {family}, an upper bound of the minimum"
    )
