"""Minimum-norm networks with a proved gap to the least cost."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Literal

from attrs import frozen

from flowlab.api import (
    Context,
    Fit,
    NodeError,
    NodeSpec,
    OptimizerSpec,
    parameter,
)
from flowlab.components.optimizers.augmented_lagrangian import AugmentedLagrangian

if TYPE_CHECKING:
    from flowlab.theory.certificates.certified import CertifiedNetwork
    from flowlab.theory.geometry.geometry import Geometry
    from flowlab.theory.networks.interpolation import Interpolation
    from flowlab.theory.networks.relu_network import ReluNetwork


@frozen
class CertifiedMinNorm:
    """An augmented Lagrangian; then neurons are inserted, pruned and polished until a bound meets the cost.

    C* >= sum_i z_i . x_i / g, g = max over |w| = 1, b of |sum_i z_i relu(w . y_i + b)|, for multipliers z
    with sum_i z_i = 0, sum_i z_i y_i^T = 0. A neuron whose demand by z is above 1 would lower the cost. It is
    inserted, neurons without weight are pruned, and the others are polished in float64. The result is the pruned
    network. It is complete where the *proved* gap is at most `gap`: g is exact on a line and in the plane, and
    bounded by branch and bound over `regions` regions of directions in more dimensions. `gap_estimate` rests on
    the best of many ascents and may be too low. Nearest published: cutting planes over neurons, arXiv 2002.11219.

    `start = "slabs"` polishes the max-margin slabs instead of training, where all levels have slabs. At the
    paper's scale this takes seconds.
    """

    gap: float = parameter(0.01, help="proved gap 1 - bound / cost to stop at", gt=0, lt=1)
    tolerance: float = parameter(
        1e-4,
        help="largest violation of an interpolating level (at most sigma / 10)",
        unit="shortest lengths",
        gt=0,
    )
    start: Literal["random", "slabs"] = parameter("random", help="random weights to train, or max-margin slabs")
    steps: int = parameter(20_000, help="steps of the augmented Lagrangian", ge=1, le=1_000_000_000)
    working_set: int = parameter(0, help="samples per point in the working set of a step; 0: all samples", ge=0)
    passes: int = parameter(4, help="most passes of insertion, pruning and polish", ge=1)
    rounds: int = parameter(30, help="most rounds of cutting planes in a pass", ge=1)
    polish: int = parameter(4_000, help="float64 steps of a polish", ge=1)
    starts: int = parameter(128, help="random starting neurons of each search for g", ge=1)
    regions: int = parameter(2_000_000, help="most regions of directions bounded in the proof of a level", ge=1)

    def value_spec(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> OptimizerSpec:
        """What is known of its networks before the run."""
        return OptimizerSpec(keeps_width=False, solved=True)

    def minimise(
        self,
        problem: Interpolation,
        geometry: Geometry,
        start: ReluNetwork,
        dropout: float,
        context: Context,
    ) -> Fit:
        """Fit all levels at once, then certify one level after another.

        Raises NodeError where a loss is not finite, memory is too short, or there is dropout.
        """
        import torch

        from flowlab.theory.certificates.certificate import Search
        from flowlab.theory.certificates.certified import Goal, certify
        from flowlab.theory.geometry.tolerance import largest_violation
        from flowlab.theory.networks.relu_network import concat_networks
        from flowlab.theory.training.history import Diverged

        if dropout:
            raise NodeError("dropout leaves no network of least norm to certify: set dropout = 0")
        first = self._first(problem, geometry, start, context)
        # the certificate is float64 whatever the experiment's dtype: a gap of 1e-3 is lost in single precision
        double = problem.to(problem.samples.double())
        working = self.working_set or problem.samples.shape[2]
        most = largest_violation(self.tolerance, geometry.scale, problem.sigma).tolist()
        ends: list[CertifiedNetwork] = []
        levels = len(problem.sigma)
        for level in range(levels):
            index = slice(level, level + 1)
            goal = Goal(self.gap, most[level], self.passes, self.rounds, self.polish, working, self.regions)
            try:
                end = certify(
                    first.network.at(level).to(torch.float64),
                    double.levels(index),
                    None if first.multipliers is None else first.multipliers[index].double(),
                    goal,
                    Search(self.starts),
                    context.level_generator("certificate ", level, float(problem.noise[level])),
                    partial(_report, context, level, levels),
                )
            except Diverged as error:
                raise NodeError(f"polishing level {level}: {error}") from error
            ends.append(end)
            context.progress(level + 1, levels, {"gap_proved": end.gap_proved})
        return Fit(
            concat_networks([end.network for end in ends]),
            torch.ones_like(problem.sigma, dtype=torch.bool),
            first.history,
            multipliers=torch.stack([end.estimate.multipliers for end in ends]),
            shortfall=self._shortfall(ends, most, problem),
            tolerance=self.tolerance,
            quality={
                "bound_proved": [end.proof.bound for end in ends],
                "gap_proved": [end.gap_proved for end in ends],
                "bound_estimate": [end.bound_estimate for end in ends],
                "gap_estimate": [end.gap_estimate for end in ends],
                "demand_proved": [end.proof.demand.upper for end in ends],
                "demand_estimate": [end.estimate.demand.value for end in ends],
                "starts": [end.estimate.demand.starts for end in ends],
                "passes": [end.passes for end in ends],
            },
        )

    def _first(self, problem: Interpolation, geometry: Geometry, start: ReluNetwork, context: Context) -> Fit:
        """The slabs, if `start` asks for them and every level has them, else a trained bank."""
        from flowlab.theory.convex_programs.slab_solution import slab_solution
        from flowlab.theory.networks.relu_network import from_slabs

        if self.start == "slabs":
            slabs, usable = slab_solution(problem.samples, problem.points, geometry.pattern)
            if bool(usable.all()):
                return Fit(from_slabs(slabs), usable)
        method = AugmentedLagrangian(steps=self.steps, working_set=self.working_set)
        return method.minimise(problem, geometry, start, 0.0, context)

    def _shortfall(self, ends: list[CertifiedNetwork], most: list[float], problem: Interpolation) -> str | None:
        """The levels that do not interpolate, and those whose proved gap is too large, in words; else None."""
        violated = [allowed for end, allowed in zip(ends, most, strict=True) if end.violation > allowed]
        wide = [
            (end.gap_proved, end.gap_estimate, s)
            for end, allowed, s in zip(ends, most, problem.noise.tolist(), strict=True)
            if end.violation <= allowed and end.gap_proved > self.gap
        ]
        parts = []
        if violated:
            parts.append(
                f"violation above {max(violated) * problem.unit:.3g} at {len(violated)} of {len(ends)} levels"
            )
        if wide:
            proved, estimate, where = max(wide)
            parts.append(
                f"no gap of {self.gap:g} proved at {len(wide)} of {len(ends)} levels, widest {proved:.2g} at "
                f"sigma {where:.4g} (estimated {estimate:.2g})"
            )
        return "; ".join(parts) or None


def _report(context: Context, level: int, levels: int, name: str, value: float) -> None:
    context.progress(level, levels, {name: value})
