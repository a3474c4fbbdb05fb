"""Sets whose edges leave one point at right angles or wider: orthogonal sets and obtuse simplices."""

from __future__ import annotations

import torch
from torch import Tensor


def wide_vertex(points: Tensor) -> int | None:
    """The point of (N, d) from which every two edges leave at 90 degrees or more, if there is one."""
    # (N, N, d), from and to; distinct points only, so a tiny eps serves any scale of data
    units = torch.nn.functional.normalize(points - points[:, None], dim=-1, eps=1e-30)
    cosines = units @ units.mT - torch.eye(len(points)).to(points)
    wide = (cosines.amax((1, 2)) <= angle_slack(points)).nonzero()[:, 0]
    return int(wide[0]) if len(wide) else None


def angle_slack(points: Tensor) -> float:
    """What counts as a right angle or an equal side: the rounding of the frame that points are laid in."""
    return max(1e-9, 100 * torch.finfo(points.dtype).eps)
