"""A set of training points and what theory says of it."""

from __future__ import annotations

from collections.abc import Callable

import torch
from attrs import frozen
from torch import Tensor

from flowlab.theory.geometry.polytope import Polytope
from flowlab.theory.networks.slabs import Slabs


@frozen
class Geometry:
    """Training points with their candidate stable points, cell and closed-form denoiser.

    points (N, d). The subset sums are anchor (d,) + sum_{n in I} edges_n, edges (E, d); those of |I| >= 2
    are virtual points where `h` fixes them. `cell` is the convex set in which the low-noise flow ends.
    `closed_form(rho)` is a denoiser constant on balls of radius rho (L,), of minimum norm unless `conjecture` says
    that it is an upper bound; it raises ValueError where the balls are too large and is None where none is known.
    `pattern` (R, N) holds the values in {0, 1} of each slab on each training point; None: one slab a
    point, with a free offset. `separable`: the slabs split into orthogonal coordinates, so the flows are
    known exactly. `rays` (E,) numbers the ray of each edge where several lie on one: a sum takes at most one
    edge of a ray. `conjecture` says in words what of this is not a theorem.
    """

    points: Tensor
    anchor: Tensor
    edges: Tensor
    cell: Polytope | None = None
    closed_form: Callable[[Tensor], Slabs] | None = None
    pattern: Tensor | None = None
    separable: bool = False
    rays: Tensor | None = None
    conjecture: str | None = None

    @property
    def scale(self) -> float:
        """The shortest length that the points have, in data units: tolerances are shares of it.

        The least distance of two different points, or the shortest edge where that is shorter.
        """
        gaps = torch.nn.functional.pdist(self.points)
        lengths = torch.cat([gaps, torch.linalg.vector_norm(self.edges, dim=-1)])
        return float(lengths[lengths > 0].min())

    @property
    def size(self) -> float:
        """The largest distance of a training point from the anchor, in data units: what training divides by.

        Unlike the scale it stays what it is where two points, or a point and the anchor, come near each other.
        """
        return float(torch.linalg.vector_norm(self.points - self.anchor, dim=-1).max())
