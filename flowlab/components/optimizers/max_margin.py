"""The cheapest slabs through the samples, by convex programming."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from attrs import frozen

from flowlab.api import (
    Context,
    Fit,
    NodeSpec,
    OptimizerSpec,
)

if TYPE_CHECKING:
    from flowlab.theory.geometry.geometry import Geometry
    from flowlab.theory.networks.interpolation import Interpolation
    from flowlab.theory.networks.relu_network import ReluNetwork


@frozen
class MaxMargin:
    """Max-margin slabs: the least cost of any sum of slabs through the samples, by convex programming.

    h(y) = c + sum_S a_S clip(w_S . y + b_S, 0, 1) over sets S of training points (dichotomies), each (w_S, b_S)
    the hard-margin separator of the clusters in S from the others; (c, a) minimise the cost sum_S 2 |a_S| |w_S|
    subject to c + sum_{S contains n} a_S = x_n. It is a ReLU network through every sample, so its cost is an upper
    bound of the minimum norm. Where networks that are no sums of slabs cost less, it is not the minimum.
    `slab_bound` is a lower bound on the cost of all slabs, proved by duality. It is missing for more than 14
    points, where not all 2^(N-1) - 1 dichotomies are priced. Width, starting weights and dropout have no effect.
    Levels at which no slabs are found that interpolate are not usable.
    """

    def value_spec(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> OptimizerSpec:
        """What is known of its networks before the run."""
        return OptimizerSpec(history=False, keeps_width=False)

    def minimise(
        self,
        problem: Interpolation,
        geometry: Geometry,
        start: ReluNetwork,
        dropout: float,
        context: Context,
    ) -> Fit:
        """Solve every level; `usable` marks the levels with a solution."""
        from flowlab.theory.convex_programs.slab_solution import least_slabs
        from flowlab.theory.geometry.tolerance import evaluation_tolerance
        from flowlab.theory.networks.affine import fits_affinely
        from flowlab.theory.networks.relu_network import from_slabs
        from flowlab.theory.training.quality import to_list

        solved = least_slabs(problem.samples, problem.points, geometry.pattern)
        levels, usable = len(problem.sigma), solved.usable
        parts = []
        if not bool(usable.all()):
            unsolved = problem.noise[~usable]
            parts.append(
                f"no slabs through the samples at {len(unsolved)} of {levels} levels (sigma from "
                f"{unsolved.min():.4g} to {unsolved.max():.4g}): too few hyperplanes separate the clusters"
            )
        free = int(fits_affinely(problem.samples, problem.points).sum())
        if free:
            parts.append(
                f"an affine map interpolates at {free} of {levels} levels: it costs nothing, slabs are not minimal"
            )
        if not solved.complete:
            count = len(problem.points)
            parts.append(
                f"not all {2 ** (count - 1) - 1} dichotomies of {count} points were priced: an upper bound of the "
                "least cost of slabs"
            )
        quality = {"slab_bound": to_list(solved.bound)}
        return Fit(
            from_slabs(solved.slabs),
            usable,
            shortfall="; ".join(parts) or None,
            tolerance=evaluation_tolerance(1e-8, context.dtype),
            quality=quality,
        )
