"""Training points on one line: a chain of slabs, one per gap."""

from __future__ import annotations

import torch
from torch import Tensor

from flowlab.theory.geometry.geometry import Geometry
from flowlab.theory.geometry.polytope import segment
from flowlab.theory.networks.slabs import Slabs


def line_geometry(points: Tensor) -> Geometry:
    """The geometry of collinear points (N, d), sorted along their line.

    h is constant within rho of each point, linear in between and constant outside:
    h(y) = x_0 + sum_i D_i u clip((u . (y - x_i) - rho) / (D_i - 2 rho), 0, 1), D_i the gaps. No sum of training
    points is a further stable point. The closed form raises ValueError where 2 rho >= D_i for a gap.
    Source: arXiv 2311.06748, the one-dimensional solution.
    """
    jumps = points[1:] - points[:-1]
    gaps = jumps.norm(dim=-1)
    direction = (points[-1] - points[0]) / (points[-1] - points[0]).norm()
    feet = points[:-1] @ direction

    def closed_form(rho: Tensor) -> Slabs:
        radius = rho.to(points)[:, None]
        width = gaps - 2 * radius
        if bool((width <= 0).any()):
            raise ValueError(
                f"balls of radius {rho.max():.4g} are too large: rho must be below {gaps.min() / 2:.4g}"
            )
        levels = len(rho)
        return Slabs(
            points[0].expand(levels, -1),
            jumps.expand(levels, -1, -1),
            direction / width[..., None],
            -(feet + radius) / width,
        )

    count = len(points)
    pattern = torch.arange(count) > torch.arange(count - 1)[:, None]
    cell = segment(points[0], points[-1])
    return Geometry(points, points[0], jumps[:0], cell, closed_form, pattern, separable=True)
