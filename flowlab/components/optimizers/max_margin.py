"""The exact finite-sample solution, without training."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from flowlab.api import Context, Fit

if TYPE_CHECKING:
    from flowlab.theory.geometry import Geometry
    from flowlab.theory.interpolation import Interpolation
    from flowlab.theory.relu_network import ReluNetwork


@frozen
class MaxMargin:
    """Max-margin slabs: the minimum-norm interpolation of the samples by convex programming.

    h(y) = c + sum_n (x_n - c) clip(w_n . y + b_n, 0, 1), each (w_n, b_n) the hard-margin separator of cluster
    n from the others, c the weighted Fermat-Weber point: a ReLU network of at most 2N neurons through
    every sample, of cost sum_n 2 |x_n - c| |w_n|. Width, starting weights and dropout don't enter. Levels
    whose clusters no hyperplane separates have no solution and are marked so. For points that are no simplex
    the cost is an upper bound of the least, and the result says so.
    """

    def minimise(
        self,
        problem: Interpolation,
        geometry: Geometry,
        start: ReluNetwork,
        dropout: float,
        context: Context,
    ) -> Fit:
        """Solve every level; `usable` marks the separable ones."""
        from flowlab.theory.relu_network import from_slabs
        from flowlab.theory.simplex import affinely_independent
        from flowlab.theory.slab_solution import slab_solution

        slabs, usable = slab_solution(problem.samples, problem.points, geometry.pattern)
        parts = []
        if not bool(usable.all()):
            lost = problem.noise[~usable]
            parts.append(
                f"no solution at {len(lost)} of {len(usable)} levels (sigma from {lost.min():.4g} to "
                f"{lost.max():.4g}): the clusters are not separable there"
            )
        if geometry.pattern is None and not affinely_independent(problem.points):
            count, dimension = problem.points.shape
            parts.append(
                f"{count} points in {dimension} dimensions are no simplex: the slabs interpolate, but their "
                "cost is only an upper bound of the least"
            )
        return Fit(from_slabs(slabs), usable, shortfall="; ".join(parts) or None, tolerance=1e-8)
