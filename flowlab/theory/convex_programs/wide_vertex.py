"""Sets with a point at which all edges meet at 90 degrees or more: orthogonal sets and obtuse simplices."""

from __future__ import annotations

import torch
from torch import Tensor


def wide_vertex(points: Tensor) -> int | None:
    """The index of the point at which every two edges meet at 90 degrees or more, for points (N, d); else None."""
    # (N, N, d), from and to; the points are distinct, so a tiny eps serves any scale of data
    units = torch.nn.functional.normalize(points - points[:, None], dim=-1, eps=1e-30)
    cosines = units @ units.mT - torch.eye(len(points)).to(points)
    wide = (cosines.amax((1, 2)) <= angle_slack(points)).nonzero()[:, 0]
    return int(wide[0]) if len(wide) else None


def angle_slack(points: Tensor) -> float:
    """The tolerance of a right angle or an equal side, by the rounding of the frame that made points (N, d)."""
    return max(1e-9, 100 * torch.finfo(points.dtype).eps)
