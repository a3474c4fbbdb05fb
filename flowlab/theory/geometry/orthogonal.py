"""The closed form of an orthogonal set, evaluated for edges at any angles."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from flowlab.theory.networks.slabs import Slabs


def orthogonal_closed_form(anchor: Tensor, edges: Tensor) -> Callable[[Tensor], Slabs]:
    """The denoiser of orthogonal edges v (E, d) from x_0 = anchor (d,) on balls of radius rho (L,).

    h(y) = x_0 + sum_n v_n clip((u_n . (y - x_0) - rho) / (l_n - 2 rho), 0, 1), l_n = |v_n|, u_n = v_n / l_n.
    For edges that are not orthogonal this formula does not interpolate. The returned function raises ValueError
    where 2 rho >= l_n for an edge. Source: arXiv 2311.06748; arXiv 2506.19031, Section 3.
    """
    lengths = torch.linalg.vector_norm(edges, dim=-1)

    def closed_form(rho: Tensor) -> Slabs:
        radius = rho.to(edges)[:, None]
        width = lengths - 2 * radius
        if bool((width <= 0).any()):
            limit = lengths.min() / 2
            raise ValueError(f"balls of radius {rho.max():.4g} are too large: rho must be below {limit:.4g}")
        weights = edges / lengths[:, None] / width[..., None]
        levels = len(rho)
        return Slabs(
            anchor.expand(levels, -1), edges.expand(levels, -1, -1), weights, -radius / width - weights @ anchor
        )

    return closed_form
