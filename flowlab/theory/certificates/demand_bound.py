"""A proved upper bound on the largest demand g = max over |w| = 1, b of |F(w, b)|.

For projected multipliers, |F| over b is largest at a kink b = -w . y_i, and F(w, b) = F(-w, -b). So g is the
largest |F_i(w)| over the samples i, the pivots, and half the sphere. Half the sphere is 2^(d-1) orthants, each a
cone of d vertices. Cones are split until the bound on each is below a threshold (`cone_bounds`).

Rounding: let u = 2^-53, S the number of samples, and T = 2 max |y| sum_k |z_k|, a Lipschitz constant of every F_i.
A bound sums products of S multipliers with heights that are sums of d products: its error is below 32 (S + d + 16)
u T. A split puts the new vertex up to 8 u off its edge. This moves a unit vector of the cone by at most 12 sqrt(d)
u (the vertices of a cone share an orthant, so sum_j l_j <= sqrt(d)), and F_i by T times that, once per round. The
quotient h_j / c . v_j has a condition number below 100. All of these errors are added to the result.
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
_EXACT = 2_000  # samples in the plane up to which all arcs are evaluated
_ORTHANTS = 200_000  # most cones at the start; for more of them only the cheap bound is affordable
_MOST_CONES = 3_000_000  # held in memory at once
_WITNESSES = 200  # neurons of large demand that are kept per round


@frozen
class DemandBound:
    """A proved bound g <= `upper`, and `neurons` of large demand, the largest |F| being `lower`.

    `regions` is the number of cones that were bounded.
    """

    upper: float
    lower: float
    neurons: Neurons
    regions: int


def demand_bound(multipliers: Tensor, samples: Tensor, threshold: float, regions: int) -> DemandBound:
    """Bound g for projected multipliers z (S, k) on samples y (S, d) in the standard frame, with proof.

    The search stops when the bound is at most the threshold, or after `regions` regions. On a line and in the
    plane g is exact up to rounding. In more dimensions, if it meets a neuron with |F| above the threshold, it goes
    on for about as many regions again and stops: the result is what is proved by then.
    """
    size, dimension = samples.shape
    none = Neurons(samples[:0], samples[:0, 0])
    lipschitz = 2 * float(samples.norm(dim=-1).max()) * float(multipliers.norm(dim=-1).sum())
    rounding = 32 * (size + dimension + 16) * _UNIT * lipschitz
    if dimension == 2 and size <= _EXACT:
        exact = largest_demand(multipliers, samples)
        # the arcs are prefix sums over 2 S events, with errors of a few u at their ends: 4 (2 S) u T and 8 u T
        return DemandBound(exact + rounding, exact, none, 0)
    if dimension == 1:
        ends = ((samples.mT - samples).relu() @ multipliers).norm(dim=-1)
        return DemandBound(float(ends.max()) + rounding, float(ends.max()), none, size)
    cheap = _cheap_bounds(multipliers, samples)
    if 2 ** min(dimension - 1, 60) * size > _ORTHANTS:
        return DemandBound(float(cheap.max()) + rounding, 0.0, none, 0)
    upper, lower, neurons, done, rounds = _branch_and_bound(multipliers, samples, cheap, threshold, regions)
    rounding += 12 * rounds * math.sqrt(dimension) * _UNIT * lipschitz
    return DemandBound(upper * (1 + 512 * (dimension + 4) * _UNIT) + rounding, lower, neurons, done)


def _cheap_bounds(z: Tensor, y: Tensor) -> Tensor:
    """The smaller of two bounds on |F_i| that need no search, for each pivot: (S,).

    F_i = 1/2 sum_k z_k |w . (y_k - y_i)|, so |F_i| <= 1/2 sum_k |z_k| |y_k - y_i| and <= 1/2 |Z|_2 |Y - y_i|_F.
    """
    distances = torch.cdist(y, y, compute_mode="donot_use_mm_for_euclid_dist")
    spectral = 0.5 * torch.linalg.matrix_norm(z, ord=2) * distances.norm(dim=-1)
    return torch.minimum(0.5 * distances @ z.norm(dim=-1), spectral)


def _branch_and_bound(
    z: Tensor, y: Tensor, cheap: Tensor, threshold: float, regions: int
) -> tuple[float, float, Neurons, int, int]:
    """The bound without rounding errors, the largest |F| evaluated, its neurons, and the regions and rounds."""
    size, dimension = y.shape
    signs = torch.cartesian_prod(*[y.new_tensor([1.0, -1.0])] * dimension).view(-1, dimension)
    orthants = torch.diag_embed(signs[: 2 ** (dimension - 1)])
    vertices = orthants.repeat(size, 1, 1)
    pivots = torch.arange(size, device=y.device).repeat_interleave(len(orthants))
    bounds = cheap[pivots]
    first, second = torch.triu_indices(dimension, dimension, 1, device=y.device)
    batch = max(256, _CHUNK // (dimension * size))
    finished, lower, done, rounds, last = 0.0, 0.0, 0, 0, regions
    witnesses = Neurons(y[:0], y[:0, 0])
    while len(bounds) and done < last:
        rounds += 1
        worst = bounds.topk(min(batch, len(bounds))).indices
        others = torch.ones_like(bounds, dtype=torch.bool)
        others[worst] = False
        v, p = vertices[worst], pivots[worst]
        cone = cone_bounds(v, p, z, y)
        done += len(worst)
        upper = torch.minimum(cone.upper, bounds[worst])
        high = float(cone.at_vertices.max())
        if high > threshold >= lower:
            last = min(regions, 2 * done + 20 * batch)
        lower = max(lower, high)
        witnesses = _add_witnesses(witnesses, v, p, cone.at_vertices, y, threshold)
        final = upper <= threshold
        if bool(final.any()):
            finished = max(finished, float(upper[final].max()))
        open_cones = (~final).nonzero()[:, 0]
        v, p, upper = v[open_cones], p[open_cones], upper[open_cones]
        rows = torch.arange(len(open_cones), device=y.device)
        i, j = first[cone.edge[open_cones]], second[cone.edge[open_cones]]
        weight = cone.ends[open_cones]
        new_vertex = weight[:, :1] * v[rows, i] + weight[:, 1:] * v[rows, j]
        new_vertex = new_vertex / new_vertex.norm(dim=-1, keepdim=True)
        left, right = v.clone(), v.clone()
        left[rows, i] = new_vertex
        right[rows, j] = new_vertex
        vertices = torch.cat([vertices[others], left, right])
        pivots, bounds = torch.cat([pivots[others], p, p]), torch.cat([bounds[others], upper, upper])
        if len(bounds) > _MOST_CONES:
            break
    rest = float(bounds.max()) if len(bounds) else 0.0
    return max(finished, rest, lower), lower, witnesses, done, rounds


def _add_witnesses(
    witnesses: Neurons, vertices: Tensor, pivots: Tensor, sizes: Tensor, y: Tensor, threshold: float
) -> Neurons:
    """The witnesses with the neurons at vertices whose |F| is above the threshold, the largest of these first."""
    best, vertex = sizes.max(1)
    cones = (best > threshold).nonzero()[:, 0]
    if not len(cones):
        return witnesses
    cones = cones[best[cones].argsort(descending=True)[:_WITNESSES]]
    w = vertices[cones, vertex[cones]]
    return (Neurons(w, -(w * y[pivots[cones]]).sum(-1)) + witnesses)[: 5 * _WITNESSES]
