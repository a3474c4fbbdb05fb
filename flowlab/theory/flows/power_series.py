"""The flow in one affine region as a power series in r."""

from __future__ import annotations

import torch
from torch import Tensor

from flowlab.theory.flows.affine_regions import AffineRegions
from flowlab.theory.flows.spectrum import without_specks

ORDER = 24
_LONGEST = 8.0  # step in r: beyond, terms are larger than their sum and rounding counts
_AHEAD = 2.0  # times as far as where the first kink would be at the present speed
_FAST = -0.5  # real part of an eigenvalue of J - I below which a direction can come to rest before others
_WELL_POSED = 1e6  # condition number of eigenvectors up to which they are used


def power_series(
    regions: AffineRegions,
    y: Tensor,
    field: Tensor,
    active: Tensor,
    left: Tensor,
    linear: Tensor | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Coefficients of y (n + 1, S, d) and of the heights (n + 1, S, K) in r, and the steps (S,) that they serve.

    From y and h(y) - y (S, d), y' = (J - I) y' in the region `active` (S, K). The last terms are below the
    rounding of y at the end of the step; it goes no further than twice to where the first kink would be at the
    present speed, and no further than `left` (S,). `linear` (S, d, d) stands for J - I where a part of it will do.
    """
    on = active.to(y)
    rounding = torch.finfo(y.dtype).eps / 2
    bound = rounding * (y.abs().amax(-1) + field.abs().amax(-1)).clamp_min(torch.finfo(y.dtype).tiny)
    series, heights = [y, field], [regions.heights(y), field @ regions.inner.mT]
    length = torch.minimum(left, _AHEAD * _next_kink(regions, y, heights[0], heights[1]))
    if linear is None:
        length = length.clamp_max(_LONGEST)
    skip = regions.skip.mT if bool(regions.skip.any()) else None
    for order in range(2, ORDER + 1):
        if linear is not None:
            term = (linear @ series[-1][..., None])[..., 0]
        else:
            term = (heights[-1] * on) @ regions.outer - series[-1]
            term = term if skip is None else term + series[-1] @ skip
        series.append(term / order)
        heights.append(series[-1] @ regions.inner.mT)
        size = series[-1].abs().amax(-1)
        if order >= ORDER - 1:
            reach = (bound / size).pow(1 / order)
            length = torch.minimum(length, torch.where(size > 0, reach, torch.inf))
        elif bool((size * length**order <= bound / 16).all()):
            break  # all that is left out is smaller still
    # a flow that nothing moves any more still takes steps
    return torch.stack(series), torch.stack(heights), length.clamp_max(torch.finfo(y.dtype).max ** (1 / 32))


def slow_part(regions: AffineRegions, field: Tensor, active: Tensor, size: float) -> tuple[Tensor, Tensor]:
    """h(y) - y (S, d) and J - I (S, d, d) without the directions that have come to rest.

    In those, what is left is rounding, and would keep the steps short: with sigma = 1e-6 a flow can take r = 1e6
    to cross a slope. `size` is that of the data. Where the eigenvectors are ill-conditioned nothing is left out.
    """
    jacobians, _ = regions.maps(active)
    matrix = jacobians - torch.eye(jacobians.shape[-1]).to(jacobians)
    values, vectors = torch.linalg.eig(without_specks(matrix))
    sizes = torch.linalg.svdvals(vectors)
    usable = sizes[..., -1] * _WELL_POSED > sizes[..., 0]
    identity = torch.eye(matrix.shape[-1]).to(vectors)
    inverse = torch.linalg.inv(torch.where(usable[:, None, None], vectors, identity))
    share = (inverse @ field[..., None].to(inverse))[..., 0]
    moving = (share.abs() > 64 * torch.finfo(field.dtype).eps * size) | (values.real > _FAST)
    slow = (vectors @ (share * moving)[..., None])[..., 0].real
    linear = ((vectors * (values * moving)[:, None]) @ inverse).real
    return torch.where(usable[:, None], slow, field), torch.where(usable[:, None, None], linear, matrix)


def _next_kink(regions: AffineRegions, y: Tensor, heights: Tensor, speed: Tensor) -> Tensor:
    """When the first kink would be met if heights went on at their present speed; inf for none: (S,)."""
    coming = (heights * speed < 0) & (heights.abs() > regions.rounding(y))
    times = torch.where(coming, -heights / speed, torch.inf)
    return times.amin(-1) if times.shape[-1] else torch.full_like(y[:, 0], torch.inf)
