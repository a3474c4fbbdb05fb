"""The flow in one affine region as a power series in r."""

from __future__ import annotations

import torch
from torch import Tensor

from flowlab.theory.flows.affine_regions import AffineRegions
from flowlab.theory.flows.spectrum import flush_tiny_entries

ORDER = 24
_LONGEST = 8.0  # step in r: for longer steps terms are much larger than their sum, and rounding grows
_AHEAD = 2.0  # a step goes at most this many times as far as the first kink at the present speed
_FAST = -0.5  # real part of an eigenvalue of J - I below which a direction can come to rest before others
_WELL_POSED = 1e6  # condition number of eigenvectors up to which they are used


def power_series(
    regions: AffineRegions,
    y: Tensor,
    field: Tensor,
    active: Tensor,
    remaining: Tensor,
    linear: Tensor | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """The coefficients in r of y (n + 1, S, d) and of the heights (n + 1, S, K), and the steps (S,) they serve.

    Starts at y (S, d) with the velocity field (S, d), h(y) - y, whose derivative is J - I times itself in the
    region active (S, K). At the end of a step the last terms are below the rounding of y. A step goes at most
    twice as far as the first kink at the present speed, and at most to remaining (S,). linear (S, d, d) replaces J
    - I where a part of it is enough (`slow_part`).
    """
    mask = active.to(y)
    rounding = torch.finfo(y.dtype).eps / 2
    bound = rounding * (y.abs().amax(-1) + field.abs().amax(-1)).clamp_min(torch.finfo(y.dtype).tiny)
    series, heights = [y, field], [regions.heights(y), field @ regions.inner.mT]
    length = torch.minimum(remaining, _AHEAD * _next_kink(regions, y, heights[0], heights[1]))
    if linear is None:
        length = length.clamp_max(_LONGEST)
    skip = regions.skip.mT if bool(regions.skip.any()) else None
    for order in range(2, ORDER + 1):
        if linear is not None:
            term = (linear @ series[-1][..., None])[..., 0]
        else:
            term = (heights[-1] * mask) @ regions.outer - series[-1]
            term = term if skip is None else term + series[-1] @ skip
        series.append(term / order)
        heights.append(series[-1] @ regions.inner.mT)
        size = series[-1].abs().amax(-1)
        if order >= ORDER - 1:
            longest = (bound / size).pow(1 / order)
            length = torch.minimum(length, torch.where(size > 0, longest, torch.inf))
        elif bool((size * length**order <= bound / 16).all()):
            break  # all further terms are smaller
    # the step of a flow at rest is finite too
    return torch.stack(series), torch.stack(heights), length.clamp_max(torch.finfo(y.dtype).max ** (1 / 32))


def slow_part(regions: AffineRegions, field: Tensor, active: Tensor, size: float) -> tuple[Tensor, Tensor]:
    """The velocity h(y) - y (S, d) and J - I (S, d, d) without the eigendirections that have come to rest.

    field (S, d) is the whole velocity, active (S, K) the region. In a direction at rest the velocity is rounding
    error, which would keep the steps short: with sigma = 1e-6 a flow can need r = 1e6 to cross a slope. `size` is
    the size of the data. Where the eigenvectors are ill-conditioned, no direction is left out.
    """
    jacobians, _ = regions.maps(active)
    matrix = jacobians - torch.eye(jacobians.shape[-1]).to(jacobians)
    values, vectors = torch.linalg.eig(flush_tiny_entries(matrix))
    sizes = torch.linalg.svdvals(vectors)
    usable = sizes[..., -1] * _WELL_POSED > sizes[..., 0]
    identity = torch.eye(matrix.shape[-1]).to(vectors)
    inverse = torch.linalg.inv(torch.where(usable[:, None, None], vectors, identity))
    component = (inverse @ field[..., None].to(inverse))[..., 0]
    moving = (component.abs() > 64 * torch.finfo(field.dtype).eps * size) | (values.real > _FAST)
    slow = (vectors @ (component * moving)[..., None])[..., 0].real
    linear = ((vectors * (values * moving)[:, None]) @ inverse).real
    return torch.where(usable[:, None], slow, field), torch.where(usable[:, None, None], linear, matrix)


def _next_kink(regions: AffineRegions, y: Tensor, heights: Tensor, speed: Tensor) -> Tensor:
    """The time at which the heights, at their present speed, would meet the first kink; inf for none: (S,)."""
    approaching = (heights * speed < 0) & (heights.abs() > regions.rounding(y))
    times = torch.where(approaching, -heights / speed, torch.inf)
    return times.amin(-1) if times.shape[-1] else torch.full_like(y[:, 0], torch.inf)
