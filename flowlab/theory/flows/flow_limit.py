"""The limit of a score flow, and how far about it the same limit is reached."""

from __future__ import annotations

import torch
from attrs import evolve, frozen
from torch import Tensor

from flowlab.theory.flows.affine_regions import AffineRegions
from flowlab.theory.flows.spectrum import distance_growth, without_specks


@frozen
class FlowLimits:
    """Where score flows end: points (S, d) and, a number a start, what is known of them.

    `reached` tells whether the flow was followed to its limit. `residual` is |h(y) - y| there (L-infinity),
    `eigenvalue` the largest real part of an eigenvalue of the Jacobian of h in the last region, below 1 where the
    limit attracts. All starts within `radius` of the limit have the same limit: the distance to the nearest kink,
    over the most that the flow there stretches a distance; 0 on a kink, and where the limit doesn't attract.
    """

    points: Tensor
    reached: Tensor
    residual: Tensor
    eigenvalue: Tensor
    radius: Tensor

    def to(self, like: Tensor) -> FlowLimits:
        """The same with numbers of a tensor's dtype."""
        return evolve(
            self,
            points=self.points.to(like),
            residual=self.residual.to(like),
            eigenvalue=self.eigenvalue.to(like),
            radius=self.radius.to(like),
        )


def region_attractors(regions: AffineRegions, active: Tensor) -> tuple[Tensor, Tensor]:
    """The fixed point y* = J y* + q of each region (S, K), and the radius about it from which the flow goes there.

    Points (S, d), nan where there is none; radius (S,), 0 where the point is outside of its region or doesn't
    attract. The flow in a region is y* + exp(r (J - I)) (y - y*): where the symmetric part of J - I isn't
    positive, distances don't grow, elsewhere at most by the condition number of the eigenvectors.
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
    """A bound on |exp(r (J - I))| over all r >= 0 (S,); inf where J has an eigenvalue of 1 or more."""
    bound = torch.ones_like(jacobians[:, 0, 0])
    large = torch.linalg.matrix_norm(jacobians) >= 1
    symmetric = distance_growth(jacobians[large])
    large[large.clone()] = symmetric >= 1
    values, vectors = torch.linalg.eig(without_specks(jacobians[large]))
    sizes = torch.linalg.svdvals(vectors)
    condition = torch.where(sizes[..., -1] > 0, sizes[..., 0] / sizes[..., -1], torch.inf)
    bound[large] = torch.where(values.real.amax(-1) < 1, condition, torch.inf)
    return bound
