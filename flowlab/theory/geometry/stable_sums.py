"""From which radius on a subset sum of training points is stable, by theorem."""

from __future__ import annotations

import torch
from torch import Tensor

from flowlab.theory.geometry.geometry import Geometry
from flowlab.theory.geometry.subset_sums import subset_masks

# A table of the distances of 2^12 points is 128 MiB.
_MOST_EDGES = 12


def _slack(values: Tensor) -> float:
    """What counts as nothing, relative to size-one data: the rounding of an offset found by iteration."""
    return max(1e-9, 100 * torch.finfo(values.dtype).eps)


def distinct_sums(geometry: Geometry) -> tuple[Tensor, Tensor]:
    """The different subset sums of the edges (P, d), and which of them each of `patterns` makes.

    P = 2^E unless the edges depend on each other: about a triangle's centre, all of them sum to none. Raises
    ValueError for more than 12 edges.
    """
    edges = geometry.edges
    if len(edges) > _MOST_EDGES:
        raise ValueError(f"2^{len(edges)} subset sums are too many to enumerate: at most 2^{_MOST_EDGES}")
    sums = geometry.anchor + subset_masks(len(edges), geometry.rays).to(edges) @ edges
    # not by matrix products, which would round the distance of a point from itself to 1e-8
    apart = torch.cdist(sums, sums, compute_mode="donot_use_mm_for_euclid_dist")
    first = (apart <= _slack(sums) * apart.max()).int().argmax(-1)
    kept, owner = first.unique(return_inverse=True)
    return sums[kept], owner


def critical_radii(geometry: Geometry) -> Tensor:
    """The radius above which each of the distinct subset sums is a stable point of the closed form: (P,).

    h is constant about y_I if and only if every slab is 1 there on I and 0 elsewhere. With D_k the gap of slab
    k and t_k = d_k . (y_I - p_k), that asks for rho >= D_k - t_k on I and rho >= t_k off it. In the obtuse case
    it reads rho >= sum_{n in I, n != k} |u_k . v_n| for all k in I. Where the offset c does not move with rho:
    orthogonal sets, obtuse simplices and the equilateral triangle. Source: arXiv 2506.19031, Section 4 and
    Appendices B, C. Raises ValueError elsewhere.
    """
    form = geometry.closed_form
    if form is None or not len(geometry.edges):
        raise ValueError("these training points have no closed form with subset sums")
    if geometry.rays is not None:
        raise ValueError("the condition on stable sums is of edges that are alone on their rays")
    slabs = form(geometry.points.new_zeros(1))
    gaps = slabs.widths[0]
    # a quarter of the smallest gap is well inside the range of radii
    moved = form(gaps.min()[None] / 4).offset[0] - geometry.anchor
    if len(gaps) != len(geometry.edges) or bool(moved.norm() > _slack(moved) * gaps.max()):
        raise ValueError("the offset of the subset sums moves with rho: their condition is not known")
    points, owner = distinct_sums(geometry)
    heights = (points @ slabs.weights[0].mT + slabs.biases[0])[owner]
    lacking = torch.where(subset_masks(len(gaps)).to(heights.device), 1 - heights, heights)
    radii = (gaps * lacking).amax(-1)
    least = radii.new_full((len(points),), torch.inf).scatter_reduce(0, owner, radii, "amin")
    # a training point is stable at any radius, whatever rounding says
    return torch.where(least <= _slack(least) * gaps.max(), 0.0, least)
