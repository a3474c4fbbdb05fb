"""An upper bound on |F| over each of many cones of directions.

F_i(w) = sum_k z_k relu(w . (y_k - y_i)) is F at the bias whose kink passes through sample i, the pivot. A cone has
as many vertices v_j as there are dimensions. On it w = sum_j l_j v_j, l_j >= 0, and

    F_i(w) = sum_j l_j F_i(v_j) - sum_k z_k e_k,   0 <= e_k <= sum_j l_j u_kj:

relu is convex, so e_k, the difference between its chord and itself, is not negative. It is zero unless sample k
changes sides within the cone. With relu(t) >= theta t, u_kj = relu(t_kj) - theta_k t_kj, t_kj = v_j . (y_k - y_i).
"""

from __future__ import annotations

import torch
from attrs import frozen
from torch import Tensor

_ROUNDING = torch.finfo(torch.float64).eps
_SWEEPS = 4  # of the coordinate ascent that finds the linear majorant; any number gives a valid bound
_OBLIQUE = 1e-2  # below this cosine of a vertex with the majorant's gradient the quotient is ill conditioned


@frozen
class ConeBounds:
    """The bounds of n cones, and where to split each of them.

    upper (n,) bounds |F| / |w| on the cone, at_vertices (n, d) is |F| / |w| at its vertices. edge (n,) is the edge
    to split, an index among torch.triu_indices(d, d, 1), and ends (n, 2) are the weights of its first and second
    vertex in the new vertex.
    """

    upper: Tensor
    at_vertices: Tensor
    edge: Tensor
    ends: Tensor


def cone_bounds(vertices: Tensor, pivots: Tensor, multipliers: Tensor, samples: Tensor) -> ConeBounds:
    """The bounds of cones with unit vertices (n, d, d), one vertex per row, and pivots (n,).

    For multipliers z (S, k) and samples y (S, d). For a unit vector a, alpha_j and beta_j bound the parts of F
    along a and perpendicular to it, and h_j = |(alpha_j, beta_j)|. Then |F| <= sum_j l_j h_j <= c . w <= |c| for
    each c with c . v_j >= h_j. This holds up to rounding, for which `demand_bound` accounts.
    """
    z, (count, dimension, _) = multipliers, vertices.shape
    heights = (vertices.flatten(0, 1) @ samples.mT).view(count, dimension, -1)
    heights -= heights.gather(2, pivots[:, None, None].expand(count, dimension, 1))
    active = heights.relu()
    values = active @ z
    sizes = values.norm(dim=-1)
    a = values.gather(1, sizes.argmax(1)[:, None, None].expand(-1, 1, z.shape[1]))[:, 0]
    a = a / a.norm(dim=-1, keepdim=True).clamp_min(1e-300)
    high, low = heights.amax(1).clamp_min(0), (-heights.amin(1)).clamp_min(0)
    share = high / (high + low).clamp_min(1e-300)  # this theta makes the excess u equal on both sides
    excess = (active - share[:, None] * heights) * ((high > 0) & (low > 0))[:, None]
    along = a @ z.mT
    squares = z.square().sum(-1)
    # rounded up: the difference may lose all its digits
    across = ((squares - along.square()).clamp_min(0) + 16 * _ROUNDING * squares).sqrt()
    # with the full excess of the samples whose multiplier points against a, all other excess only lowers a . F
    worst = values - (excess * (along < 0)[:, None]) @ z
    part = (worst @ a[:, :, None])[..., 0]
    spread = excess @ torch.stack([along.abs(), across], -1)
    alpha = torch.maximum(part.abs(), (part - spread[..., 0]).abs())
    beta = (worst - part[..., None] * a[:, None]).norm(dim=-1) + spread[..., 1]
    h = torch.hypot(alpha, beta)
    cosines = vertices @ vertices.mT
    upper = _linear_majorant(h, vertices, cosines)
    losses = high * low / (high + low).clamp_min(1e-300) * ((-along).clamp_min(0) + across)
    return ConeBounds(upper, sizes, *_split(heights, losses, upper - h.amax(-1), cosines))


def _linear_majorant(h: Tensor, vertices: Tensor, cosines: Tensor) -> Tensor:
    """A small |c| with c . v_j >= h_j for h (n, d): (n,); inf where the cone is too wide for such a c."""
    dimension = h.shape[1]
    weights = torch.zeros_like(h)
    for _ in range(_SWEEPS):  # c = sum_j weights_j v_j: the dual of min |c|^2, coordinate by coordinate
        for j in range(dimension):
            rest = h[:, j] - (cosines[:, j] * weights).sum(-1) + weights[:, j] * cosines[:, j, j]
            weights[:, j] = (rest / cosines[:, j, j]).clamp_min(0)
    c = (weights[:, None] @ vertices)[:, 0]
    length = c.norm(dim=-1)
    reach = (vertices @ c[:, :, None])[..., 0]
    narrow = (reach > _OBLIQUE * length[:, None]).all(-1)
    upper = length * (h / reach.clamp_min(1e-300)).amax(-1)
    return torch.where(narrow, upper, torch.where(h.amax(-1) == 0, 0.0, torch.inf))


def _split(heights: Tensor, losses: Tensor, curvature: Tensor, cosines: Tensor) -> tuple[Tensor, Tensor]:
    """The edge to split and its weights: where the most expensive sample changes sides, or the longest edge.

    The longest edge is split where the width of the cone costs more than that sample.
    """
    dimension = heights.shape[1]
    first, second = torch.triu_indices(dimension, dimension, 1, device=heights.device)
    longest = cosines[:, first, second].argmin(-1)
    loss, sample = losses.max(-1)
    t = heights.gather(2, sample[:, None, None].expand(-1, dimension, 1))[..., 0]
    t_first, t_second = t[:, first], t[:, second]
    gain = t_first.abs() * t_second.abs() / (t_first - t_second).abs().clamp_min(1e-300)
    crossing = torch.where(t_first * t_second < 0, gain, -1.0).argmax(-1)
    at_sample = loss > 0.3 * curvature.nan_to_num(nan=torch.inf)
    edge = torch.where(at_sample, crossing, longest)
    ends = torch.stack([values.gather(1, edge[:, None])[:, 0].abs() for values in (t_second, t_first)], -1)
    return edge, torch.where(at_sample[:, None], ends, 1.0)
