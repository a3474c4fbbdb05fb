"""The slab denoiser of a training set: exact interpolation of every sample at the least cost of slabs."""

from __future__ import annotations

import torch
from torch import Tensor

from flowlab.theory.fermat_weber import weighted_fermat_weber
from flowlab.theory.max_margin import Margins, separate
from flowlab.theory.slabs import Slabs


def slab_solution(samples: Tensor, points: Tensor, pattern: Tensor | None) -> tuple[Slabs, Tensor]:
    """Slabs through all samples (L, N, M, d) at least cost, and the levels (L,) that have a solution.

    Without a pattern, h = c + sum_n (x_n - c) clip(w_n . y + b_n, 0, 1) with max-margin (w_n, b_n) and c
    the weighted Fermat-Weber point of weights |w_n|; one inseparable cluster is allowed if c is its point.
    With a pattern (R, N) of affinely independent columns, c and the jumps follow from the points alone.
    Levels without a solution hold nan. An upper bound on the minimal cost always; the minimum, to what a dual
    bound proves, for right and obtuse triangles in the plane at small noise.
    """
    if pattern is not None:
        margins = separate(samples, pattern)
        ones = torch.ones_like(pattern[:1]).to(points)
        # pinv: lstsq's last bits change from call to call
        solved = torch.linalg.pinv(torch.cat([ones, pattern.to(points)]).mT) @ points
        shape = (len(samples), *solved.shape)
        offset, jumps = solved[0].expand(shape[0], -1), solved[1:].expand(shape[0], -1, -1)
        return Slabs(offset, jumps, margins.weights, margins.biases), margins.feasible.all(-1)
    margins = separate(samples, torch.eye(len(points), dtype=torch.bool))
    usable = margins.feasible.sum(-1) >= len(points) - 1
    slopes = margins.weights.norm(dim=-1).nan_to_num(nan=torch.inf)
    offset = torch.stack([
        weighted_fermat_weber(points, slope) if solved else torch.full_like(points[0], torch.nan)
        for slope, solved in zip(slopes, usable, strict=True)
    ])  # fmt: skip
    return _drop_idle(offset, points - offset[:, None], margins), usable


def _drop_idle(offset: Tensor, jumps: Tensor, margins: Margins) -> Slabs:
    """Leave out the slabs whose jump is zero at every level, and silence one that is at some levels."""
    idle = jumps.norm(dim=-1) <= 1e-12 * jumps.norm(dim=-1).nan_to_num().amax()
    kept = ~idle.all(0)
    weights = torch.where(idle[..., None], 0.0, margins.weights)
    biases = torch.where(idle, 0.0, margins.biases)
    jumps = torch.where(idle[..., None], 0.0, jumps)
    return Slabs(offset, jumps[:, kept], weights[:, kept], biases[:, kept])
