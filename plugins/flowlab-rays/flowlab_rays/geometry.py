"""The geometry of points on rays from one anchor, with the solution of a line along each ray."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from flowlab.api import Geometry, Slabs, box, line_geometry


def rays_geometry(frame: Tensor, distances: Sequence[Sequence[float]]) -> Geometry:
    """The geometry of the origin and of points at `distances` along the orthonormal rows of a frame (R, d).

    The closed form has the slabs of a line along each ray. The projection of a ball about a point of one ray onto
    another ray is within rho of the origin, where the solution of that line is constant. The closed form raises
    ValueError where balls meet. Source: arXiv 2311.06748, the one-dimensional solution.
    """
    coordinates = [frame.new_tensor([0.0, *sorted(row)]) for row in distances]
    lines = [line_geometry(values[:, None] * axis) for values, axis in zip(coordinates, frame, strict=True)]
    # the ray with the smallest gap comes first, because it limits the radius and its error message is the right
    # one
    narrowest = min(range(len(lines)), key=lambda ray: float(coordinates[ray].diff().min()))

    def closed_form(rho: Tensor) -> Slabs:
        forms = {ray: _form(lines[ray], rho) for ray in (narrowest, *range(len(lines)))}
        by_ray = [forms[ray] for ray in range(len(lines))]
        jumps, weights, biases = (
            torch.cat([getattr(form, part) for form in by_ray], dim=1) for part in ("jumps", "weights", "biases")
        )
        return Slabs(by_ray[0].offset, jumps, weights, biases)

    points = torch.cat([line.points[min(ray, 1) :] for ray, line in enumerate(lines)])
    # the slabs of a ray are 1 on points of this ray only, and never on the anchor
    blocks = torch.block_diag(*(_pattern(line)[:, 1:].int() for line in lines)).bool()
    pattern = torch.cat([torch.zeros_like(blocks[:, :1]), blocks], dim=1)
    cell = box(points[0], torch.stack([line.points[-1] for line in lines]))
    counts = torch.tensor([len(row) for row in distances], device=points.device)
    owners = torch.arange(len(lines), device=points.device).repeat_interleave(counts)
    rays = owners if len(lines) < len(owners) else None
    return Geometry(points, points[0], points[1:], cell, closed_form, pattern, separable=True, rays=rays)


def _form(line: Geometry, rho: Tensor) -> Slabs:
    assert line.closed_form is not None
    return line.closed_form(rho)


def _pattern(line: Geometry) -> Tensor:
    assert line.pattern is not None
    return line.pattern
