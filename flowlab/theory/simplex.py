"""The closed-form min-norm denoiser of any simplex, balls in place of samples."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from flowlab.theory.fermat_weber import weighted_fermat_weber
from flowlab.theory.geometry import Geometry
from flowlab.theory.max_margin import separate
from flowlab.theory.polytope import box, hull
from flowlab.theory.slabs import Slabs

# Smallest singular value, relative to the largest, at which points still span a simplex.
_RANK = 1e-9


def simplex_closed_form(points: Tensor) -> Callable[[Tensor], Slabs]:
    """The denoiser that maps each ball B(x_n, rho) to x_n, for affinely independent points (N, d).

    With p_n the projection of x_n onto the hull of the other points, D_n = |x_n - p_n| and
    d_n = (x_n - p_n) / D_n:
    h(y) = c + sum_n (x_n - c) clip((d_n . (y - p_n) - rho) / (D_n - 2 rho), 0, 1),
    c the Fermat-Weber point of weights 1 / (D_n - 2 rho). The returned function takes rho (L,) and raises
    ValueError where 2 rho >= D_n for a point other than c. It reduces to the theorems for orthogonal sets,
    obtuse simplices (arXiv 2311.06748, Theorems on minimisers) and the equilateral triangle.
    """
    gaps, directions, feet = (part.to(points) for part in _foot_planes(points.double()))
    vertex = _wide_vertex(points)

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
    """Whether points (N, d) are the vertices of a simplex."""
    singular = torch.linalg.svdvals(points[1:] - points[0])
    return len(points) - 1 <= points.shape[-1] and bool(singular[-1] > _RANK * singular[0])


def simplex_geometry(points: Tensor) -> Geometry:
    """The geometry of a simplex (N, d). Raises ValueError unless the points are affinely independent.

    Subset sums start at the offset c of the noiseless denoiser. If c is a vertex the flows end in the box
    of its edges, else in the simplex itself.
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


def _wide_vertex(points: Tensor) -> int | None:
    """The vertex from which every two edges leave at 90 degrees or more, if there is one."""
    # (N, N, d), from and to; distinct points only, so a tiny eps serves any scale of data
    units = torch.nn.functional.normalize(points - points[:, None], dim=-1, eps=1e-30)
    cosines = units @ units.mT - torch.eye(len(points)).to(points)
    wide = (cosines.amax((1, 2)) <= _angle_slack(points)).nonzero()[:, 0]
    return int(wide[0]) if len(wide) else None


def _angle_slack(points: Tensor) -> float:
    """What counts as a right angle or an equal side: the rounding of the frame that points are laid in."""
    return max(1e-9, 100 * torch.finfo(points.dtype).eps)


def _conjecture(points: Tensor) -> str | None:
    """What of the closed form is not a theorem."""
    sides = torch.nn.functional.pdist(points)
    equilateral = len(points) == 3 and bool(sides.max() - sides.min() <= _angle_slack(points) * sides.max())
    if equilateral or _wide_vertex(points) is not None:
        return None
    return "the closed form is proved for orthogonal, obtuse and equilateral sets, conjectured for this simplex"
