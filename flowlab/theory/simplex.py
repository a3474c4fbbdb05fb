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
    margins = separate(points[None, :, None], torch.eye(len(points), dtype=torch.bool))
    slopes = margins.weights[0].norm(dim=-1)
    gaps, directions = 1 / slopes, margins.weights[0] / slopes[:, None]
    feet = -margins.biases[0] / slopes  # projection of p_n along d_n

    def closed_form(rho: Tensor) -> Slabs:
        width = gaps - 2 * rho.to(points)[:, None]
        if bool(((width <= 0).sum(-1) > 1).any()):
            limit = gaps.sort().values[1] / 2
            raise ValueError(f"balls of radius {rho.max():.4g} are too large: rho must be below {limit:.4g}")
        weight = torch.where(width > 0, 1 / width, torch.inf)
        offset = torch.stack([weighted_fermat_weber(points, w) for w in weight])
        jumps = points - offset[:, None]
        idle = jumps.norm(dim=-1) <= 1e-12 * gaps.max()
        finite = torch.where(idle, 0.0, weight)
        kept = ~idle.all(0)
        biases = -(feet + rho.to(points)[:, None]) * finite
        jumps = torch.where(idle[..., None], 0.0, jumps)
        return Slabs(offset, jumps[:, kept], (finite[..., None] * directions)[:, kept], biases[:, kept])

    return closed_form


def simplex_geometry(points: Tensor) -> Geometry:
    """The geometry of a simplex (N, d). Raises ValueError unless the points are affinely independent.

    Subset sums start at the offset c of the noiseless denoiser. If c is a vertex the flows end in the box
    of its edges, else in the simplex itself.
    """
    singular = torch.linalg.svdvals(points[1:] - points[0])
    if len(points) - 1 > points.shape[-1] or bool(singular[-1] <= _RANK * singular[0]):
        raise ValueError(
            f"the points are no simplex: {len(points)} points in {points.shape[-1]} dimensions, smallest "
            f"singular value of their edges {singular[-1]:.3g}"
        )
    form = simplex_closed_form(points)
    anchor = form(points.new_zeros(1)).offset[0]
    edges = points - anchor
    edges = edges[edges.norm(dim=-1) > 1e-12 * edges.norm(dim=-1).max()]
    at_vertex = len(edges) < len(points)
    cell = box(anchor, edges) if at_vertex else hull(points)
    return Geometry(points, anchor, edges, cell, form, conjecture=_conjecture(points, edges, at_vertex))


def _conjecture(points: Tensor, edges: Tensor, at_vertex: bool) -> str | None:
    """What of the closed form is not a theorem."""
    gram = edges @ edges.mT
    spread = gram.abs().max() * 1e-9
    if at_vertex and bool((gram - gram.diagonal().diag_embed() <= spread).all()):
        return None  # orthogonal or obtuse at a vertex
    sides = torch.cdist(points, points)[*torch.triu_indices(len(points), len(points), 1)]
    if len(points) == 3 and bool(sides.max() - sides.min() <= 1e-9 * sides.max()):
        return None  # the equilateral triangle
    return "the closed form is proved for orthogonal, obtuse and equilateral sets, conjectured for this simplex"
