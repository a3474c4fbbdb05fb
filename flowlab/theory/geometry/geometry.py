"""A set of training points and what theory says about it."""

from __future__ import annotations

from collections.abc import Callable

import torch
from attrs import frozen
from torch import Tensor

from flowlab.theory.geometry.polytope import Polytope
from flowlab.theory.networks.slabs import Slabs


@frozen
class Geometry:
    """Training points with their candidate stable points, their cell and their closed-form denoiser.

    points (N, d). The subset sums are anchor (d,) + sum_{n in I} edges_n, with edges (E, d). A sum with |I| >= 2
    is a virtual point where `h` fixes it. `cell` is the convex set in which the low-noise flow ends.
    `closed_form(rho)`, with radii rho (L,), is a bank of denoisers that are constant on the balls of radius rho.
    It has minimum norm unless `conjecture` says that it is an upper bound. It raises ValueError where the balls
    are too large; `closed_form` is None where no closed form is known. `pattern` (R, N) holds the value, 0 or 1,
    of each slab on each training point; None stands for one slab per point with a free offset. `separable` says
    that the slabs split into orthogonal coordinates, so that the flows are known exactly. `rays` (E,) numbers the
    ray of each edge where several edges lie on one ray: a sum has at most one edge of each ray. `conjecture` says
    in words which part of this is not a theorem.
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
        """The shortest length in the geometry, in data units; tolerances are shares of it.

        It is the least distance of two different points, or the length of the shortest edge if that is less.
        """
        gaps = torch.nn.functional.pdist(self.points)
        lengths = torch.cat([gaps, torch.linalg.vector_norm(self.edges, dim=-1)])
        return float(lengths[lengths > 0].min())

    @property
    def size(self) -> float:
        """The largest distance of a training point from the anchor, in data units; the unit of training.

        Unlike the scale, it does not shrink where two points, or a point and the anchor, come close.
        """
        return float(torch.linalg.vector_norm(self.points - self.anchor, dim=-1).max())
