"""The limit of a score flow, and a radius within which all starts have the same limit."""

from __future__ import annotations

import torch
from attrs import evolve, frozen
from torch import Tensor

from flowlab.theory.flows.affine_regions import AffineRegions
from flowlab.theory.flows.spectrum import distance_growth, flush_tiny_entries


@frozen
class FlowLimits:
    """The limits of S score flows: points (S, d), in data units, and what is known about each.

    reached (S,) says whether the flow was followed to its limit. residual (S,) is |h(y) - y| there (L-infinity).
    eigenvalue (S,) is the largest real part of an eigenvalue of the Jacobian of h in the last region; it is below
    1 where the limit attracts. radius (S,), in data units: all starts within it of the limit have the same limit.
    It is the distance to the nearest kink, divided by the most that the flow there stretches a distance. It is 0
    on a kink, and where the limit does not attract.
    """

    points: Tensor
    reached: Tensor
    residual: Tensor
    eigenvalue: Tensor
    radius: Tensor

    def to(self, like: Tensor) -> FlowLimits:
        """The same limits in the dtype of a tensor."""
        return evolve(
            self,
            points=self.points.to(like),
            residual=self.residual.to(like),
            eigenvalue=self.eigenvalue.to(like),
            radius=self.radius.to(like),
        )


def region_attractors(regions: AffineRegions, active: Tensor) -> tuple[Tensor, Tensor]:
    """The fixed point y* = J y* + q of each region active (S, K), and a radius of starts that flow to it.

    Points (S, d), nan where there is none; radius (S,), 0 where the point is outside its region or does not
    attract. The flow in a region is y* + exp(r (J - I)) (y - y*). Where the symmetric part of J - I has no
    positive eigenvalue, distances do not grow; elsewhere they grow at most by the condition number of the
    eigenvectors.
    """
    jacobians, constants = regions.maps(active)
    identity = torch.eye(jacobians.shape[-1]).to(jacobians)
    points, info = torch.linalg.solve_ex(identity - jacobians, constants[..., None])
    points = torch.where((info == 0)[:, None], points[..., 0], torch.nan)
    heights = regions.heights(points)
    inside = (torch.where(active, heights, -heights) > 0).all(-1)
    radius = torch.zeros_like(points[:, 0])
    nearest = heights.abs().amin(-1) if heights.shape[-1] else torch.full_like(radius, torch.inf)
    radius[inside] = nearest[inside] / _stretch(jacobians[inside])
    return points, radius


def _stretch(jacobians: Tensor) -> Tensor:
    """A bound on |exp(r (J - I))| over r >= 0 (S,); inf where an eigenvalue of J has real part 1 or more."""
    bound = torch.ones_like(jacobians[:, 0, 0])
    large = torch.linalg.matrix_norm(jacobians) >= 1
    symmetric = distance_growth(jacobians[large])
    large[large.clone()] = symmetric >= 1
    values, vectors = torch.linalg.eig(flush_tiny_entries(jacobians[large]))
    sizes = torch.linalg.svdvals(vectors)
    condition = torch.where(sizes[..., -1] > 0, sizes[..., 0] / sizes[..., -1], torch.inf)
    bound[large] = torch.where(values.real.amax(-1) < 1, condition, torch.inf)
    return bound
