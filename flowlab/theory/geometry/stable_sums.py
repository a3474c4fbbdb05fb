"""The radius from which on a subset sum of training points is stable, by theorem."""

from __future__ import annotations

import torch
from torch import Tensor

from flowlab.theory.geometry.geometry import Geometry
from flowlab.theory.geometry.subset_sums import subset_masks

# The table of distances between 2^12 points takes 128 MiB.
_MOST_EDGES = 12


def _slack(values: Tensor) -> float:
    """The tolerance for data of size one: the rounding error of an offset that an iteration computed."""
    return max(1e-9, 100 * torch.finfo(values.dtype).eps)


def distinct_sums(geometry: Geometry) -> tuple[Tensor, Tensor]:
    """The distinct subset sums of the edges (P, d), and the index of the sum that each subset has.

    The subsets are those of `subset_masks`, in that order. P is 2^E unless the edges depend on each other: about
    the centre of a triangle, the sum of all edges equals the empty sum. Raises ValueError for more than 12 edges.
    """
    edges = geometry.edges
    if len(edges) > _MOST_EDGES:
        raise ValueError(f"2^{len(edges)} subset sums are too many to enumerate: at most 2^{_MOST_EDGES}")
    sums = geometry.anchor + subset_masks(len(edges), geometry.rays).to(edges) @ edges
    # not by matrix products, which would round the distance of a point from itself to 1e-8
    distances = torch.cdist(sums, sums, compute_mode="donot_use_mm_for_euclid_dist")
    first = (distances <= _slack(sums) * distances.max()).int().argmax(-1)
    kept, owner = first.unique(return_inverse=True)
    return sums[kept], owner


def critical_radii(geometry: Geometry) -> Tensor:
    """The radius above which each of the distinct subset sums is a stable point of the closed form: (P,).

    h is constant about y_I if and only if every slab of I is 1 there and every other slab is 0. With D_k the gap
    of slab k and t_k = d_k . (y_I - p_k), this needs rho >= D_k - t_k for k in I and rho >= t_k for the others. In
    the obtuse case it reads rho >= sum_{n in I, n != k} |u_k . v_n| for all k in I. It holds where the offset c
    does not depend on rho: for orthogonal sets, obtuse simplices and the equilateral triangle. Raises ValueError
    for other geometries. Source: arXiv 2506.19031, Section 4 and Appendices B, C.
    """
    form = geometry.closed_form
    if form is None or not len(geometry.edges):
        raise ValueError("these training points have no closed form with subset sums")
    if geometry.rays is not None:
        raise ValueError("the condition on stable sums needs edges on different rays")
    slabs = form(geometry.points.new_zeros(1))
    gaps = slabs.widths[0]
    # a quarter of the smallest gap is well inside the range of radii
    shift = form(gaps.min()[None] / 4).offset[0] - geometry.anchor
    if len(gaps) != len(geometry.edges) or bool(shift.norm() > _slack(shift) * gaps.max()):
        raise ValueError("the offset of the subset sums moves with rho: no condition for their stability is known")
    points, owner = distinct_sums(geometry)
    heights = (points @ slabs.weights[0].mT + slabs.biases[0])[owner]
    deficit = torch.where(subset_masks(len(gaps)).to(heights.device), 1 - heights, heights)
    radii = (gaps * deficit).amax(-1)
    least = radii.new_full((len(points),), torch.inf).scatter_reduce(0, owner, radii, "amin")
    # a training point is stable at any radius: its critical radius is 0 but for rounding
    return torch.where(least <= _slack(least) * gaps.max(), 0.0, least)
