"""Sets with a point at which all edges meet at 90 degrees or more: orthogonal sets and obtuse simplices."""

from __future__ import annotations

import torch
from torch import Tensor

_FEW = 8


def wide_vertex(points: Tensor) -> int | None:
    """The index of the point at which every two edges meet at 90 degrees or more, for points (N, d); else None."""
    left = torch.arange(len(points), device=points.device)
    # a few edges rule out most points, so that (N, N, d) numbers are never held at once
    for ends in (points[:_FEW], points):
        wide = [_meet_wide(ends - points[vertex], angle_slack(points)) for vertex in left]
        left = left[torch.tensor(wide, dtype=torch.bool, device=left.device)]
    return int(left[0]) if len(left) else None


def _meet_wide(edges: Tensor, slack: float) -> bool:
    """Whether every two of the edges (E, d) meet at 90 degrees or more; an edge of length 0 is none."""
    # the points are distinct, so a tiny eps serves any scale of data
    units = torch.nn.functional.normalize(edges, dim=-1, eps=1e-30)
    cosines = units @ units.mT - torch.eye(len(units)).to(units)
    return bool(cosines.max() <= slack)


def angle_slack(points: Tensor) -> float:
    """The tolerance of a right angle or an equal side, by the rounding of the frame that made points (N, d)."""
    return max(1e-9, 100 * torch.finfo(points.dtype).eps)
