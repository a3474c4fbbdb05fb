"""An upper bound, proved, on the largest demand g = max over |w| = 1, b of |F(w, b)|.

For multipliers whose projections vanish |F| is largest over b at a kink b = -w . y_i, and F(w, b) = F(-w, -b). So
g is the largest |F_i(w)| over the samples i, the pivots, and half the sphere: 2^(d-1) orthants, each a cone of d
vertices, which are split until the bound on each is below a threshold (`cone_bounds`).

Rounding: let u = 2^-53, S samples, T = 2 max |y| sum_k |z_k|, a Lipschitz constant of every F_i. A bound sums
products of S z's with heights that are sums of d products: it is off by less than 32 (S + d + 16) u T. A split
puts the new vertex up to 8 u off its edge, which moves a unit vector of the cone by at most 12 sqrt(d) u (the
vertices of a cone share an orthant, so sum_j l_j <= sqrt(d)) and F_i by T times that, once a round. The quotient
h_j / c . v_j has condition below 100. All of this is added to the result.
"""

from __future__ import annotations

import math

import torch
from attrs import frozen
from torch import Tensor

from flowlab.theory.certificates.cone_bounds import cone_bounds
from flowlab.theory.certificates.plane_search import largest_demand
from flowlab.theory.networks.neurons import Neurons

_UNIT = 2.0**-53
_CHUNK = 4_000_000  # numbers in the largest intermediate tensor
_EXACT = 2_000  # samples in the plane up to which all arcs are looked at
_ORTHANTS = 200_000  # cones to begin with; where there are more only the cheap bound is affordable
_HELD = 3_000_000  # cones kept, at most
_WITNESSES = 200


@frozen
class DemandBound:
    """g <= `upper`, proved; `neurons` are the strongest found, of |F| up to `lower`; `regions` bounded."""

    upper: float
    lower: float
    neurons: Neurons
    regions: int


def demand_bound(multipliers: Tensor, samples: Tensor, threshold: float, regions: int) -> DemandBound:
    """Bound g of projected z (S, k) on standard samples y (S, d), down to the threshold or after so many regions.

    On a line and in the plane g is exact up to rounding. Above, the search ends early where it finds a neuron of
    |F| above the threshold, after as many regions again: the bound is then what is proved by that time.
    """
    size, dimension = samples.shape
    none = Neurons(samples[:0], samples[:0, 0])
    lipschitz = 2 * float(samples.norm(dim=-1).max()) * float(multipliers.norm(dim=-1).sum())
    rounding = 32 * (size + dimension + 16) * _UNIT * lipschitz
    if dimension == 2 and size <= _EXACT:
        exact = largest_demand(multipliers, samples)
        # the arcs are prefix sums over 2 S events, their ends off by a few u: 4 (2 S) u T and 8 u T
        return DemandBound(exact + rounding, exact, none, 0)
    if dimension == 1:
        ends = ((samples.mT - samples).relu() @ multipliers).norm(dim=-1)
        return DemandBound(float(ends.max()) + rounding, float(ends.max()), none, size)
    cheap = _cheap_bounds(multipliers, samples)
    if 2 ** min(dimension - 1, 60) * size > _ORTHANTS:
        return DemandBound(float(cheap.max()) + rounding, 0.0, none, 0)
    upper, lower, found, done, rounds = _branch_and_bound(multipliers, samples, cheap, threshold, regions)
    rounding += 12 * rounds * math.sqrt(dimension) * _UNIT * lipschitz
    return DemandBound(upper * (1 + 512 * (dimension + 4) * _UNIT) + rounding, lower, found, done)


def _cheap_bounds(z: Tensor, y: Tensor) -> Tensor:
    """For each pivot the smaller of two bounds that need no search.

    F_i = 1/2 sum_k z_k |w . (y_k - y_i)|, so |F_i| <= 1/2 sum_k |z_k| |y_k - y_i| and <= 1/2 |Z|_2 |Y - y_i|_F.
    """
    apart = torch.cdist(y, y, compute_mode="donot_use_mm_for_euclid_dist")
    spectral = 0.5 * torch.linalg.matrix_norm(z, ord=2) * apart.norm(dim=-1)
    return torch.minimum(0.5 * apart @ z.norm(dim=-1), spectral)


def _branch_and_bound(
    z: Tensor, y: Tensor, cheap: Tensor, threshold: float, regions: int
) -> tuple[float, float, Neurons, int, int]:
    """The bound before rounding is added, the largest |F| seen and where, regions and rounds of splitting."""
    size, dimension = y.shape
    signs = torch.cartesian_prod(*[y.new_tensor([1.0, -1.0])] * dimension).view(-1, dimension)
    orthants = torch.diag_embed(signs[: 2 ** (dimension - 1)])
    vertices = orthants.repeat(size, 1, 1)
    pivots = torch.arange(size, device=y.device).repeat_interleave(len(orthants))
    bounds = cheap[pivots]
    first, second = torch.triu_indices(dimension, dimension, 1, device=y.device)
    batch = max(256, _CHUNK // (dimension * size))
    settled, lower, done, rounds, last = 0.0, 0.0, 0, 0, regions
    found = Neurons(y[:0], y[:0, 0])
    while len(bounds) and done < last:
        rounds += 1
        take = bounds.topk(min(batch, len(bounds))).indices
        keep = torch.ones_like(bounds, dtype=torch.bool)
        keep[take] = False
        v, p = vertices[take], pivots[take]
        cone = cone_bounds(v, p, z, y)
        done += len(take)
        upper = torch.minimum(cone.upper, bounds[take])
        high = float(cone.at_vertices.max())
        if high > threshold >= lower:
            last = min(regions, 2 * done + 20 * batch)
        lower = max(lower, high)
        found = _strongest(found, v, p, cone.at_vertices, y, threshold)
        final = upper <= threshold
        if bool(final.any()):
            settled = max(settled, float(upper[final].max()))
        live = (~final).nonzero()[:, 0]
        v, p, upper = v[live], p[live], upper[live]
        rows = torch.arange(len(live), device=y.device)
        i, j = first[cone.edge[live]], second[cone.edge[live]]
        weight = cone.ends[live]
        middle = weight[:, :1] * v[rows, i] + weight[:, 1:] * v[rows, j]
        middle = middle / middle.norm(dim=-1, keepdim=True)
        one, other = v.clone(), v.clone()
        one[rows, i] = middle
        other[rows, j] = middle
        vertices = torch.cat([vertices[keep], one, other])
        pivots, bounds = torch.cat([pivots[keep], p, p]), torch.cat([bounds[keep], upper, upper])
        if len(bounds) > _HELD:
            break
    rest = float(bounds.max()) if len(bounds) else 0.0
    return max(settled, rest, lower), lower, found, done, rounds


def _strongest(
    found: Neurons, vertices: Tensor, pivots: Tensor, sizes: Tensor, y: Tensor, threshold: float
) -> Neurons:
    """The neurons found and those at the vertices of |F| above the threshold, the strongest of the new ones."""
    best, at = sizes.max(1)
    chosen = (best > threshold).nonzero()[:, 0]
    if not len(chosen):
        return found
    chosen = chosen[best[chosen].argsort(descending=True)[:_WITNESSES]]
    w = vertices[chosen, at[chosen]]
    return (Neurons(w, -(w * y[pivots[chosen]]).sum(-1)) + found)[: 5 * _WITNESSES]
