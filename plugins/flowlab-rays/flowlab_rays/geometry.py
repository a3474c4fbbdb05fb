"""The theory of points on rays: a line along each, all from one anchor."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from flowlab.api import Geometry, Slabs, box, line_geometry


def rays_geometry(frame: Tensor, distances: Sequence[Sequence[float]]) -> Geometry:
    """The geometry of the origin and points at `distances` along each of the orthonormal rows of a frame (R, d).

    The closed form joins the slabs of a line along each ray: what a ball about a point of one ray shows to another
    is within rho of the origin, where that line's solution is constant.
    """
    places = [frame.new_tensor([0.0, *sorted(row)]) for row in distances]
    lines = [line_geometry(place[:, None] * axis) for place, axis in zip(places, frame, strict=True)]
    # the ray of the smallest gap goes first: it is what limits the radius
    narrowest = min(range(len(lines)), key=lambda ray: float(places[ray].diff().min()))

    def closed_form(rho: Tensor) -> Slabs:
        forms = {ray: _form(lines[ray], rho) for ray in (narrowest, *range(len(lines)))}
        joined = [forms[ray] for ray in range(len(lines))]
        jumps, weights, biases = (
            torch.cat([getattr(form, part) for form in joined], dim=1) for part in ("jumps", "weights", "biases")
        )
        return Slabs(joined[0].offset, jumps, weights, biases)

    points = torch.cat([line.points[min(ray, 1) :] for ray, line in enumerate(lines)])
    # slabs of a ray stand for its own points alone, never for the anchor
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
