"""All fixed points of a denoiser, and which of them are stable."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from attrs import frozen

from flowlab.api import (
    Cell,
    Context,
    DenoiserBank,
    FixedPointCounts,
    NodeError,
    NodeSpec,
    Result,
    Table,
    ValidationIssue,
    parameter,
    reference,
)

if TYPE_CHECKING:
    from flowlab.theory.networks.relu_network import ReluNetwork

_MOST_NEURONS = 16  # as in flowlab.theory.flows.fixed_points, which needs torch


@frozen
class FixedPoints:
    """All points with h(y) = y at each level, enumerated region by region, so that none is missed.

    A ReLU network of K neurons is affine on at most 2^K regions, with one candidate each. A fixed point is stable
    if all eigenvalues of the Jacobian have real part below 1 on every region that meets it; on a kink the distance
    from it also has to decrease there. For closed forms, a stable point that is no subset sum of training points
    would contradict the theorems. Source: arXiv 2506.19031, Section 4.
    """

    denoiser: str = reference("denoiser", help="a bank of slabs or small ReLU networks (at most 16 neurons)")
    tolerance: float = parameter(
        1e-6, help="largest distance of a stable point from its subset sum", unit="shortest lengths", gt=0
    )

    def places(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> Iterator[str]:
        """The places of the numbers over all levels, and of the counts at each level."""
        yield from ("levels", "sums")
        counts = ("fixed", "stable", "training", "virtual", "other", "undecided", "undecided_regions")
        bank = inputs["denoiser"][0].value_spec
        levels = bank.schedule.levels if bank.solved else None
        for count in counts:
            yield from (f"{count}.{'*' if levels is None else level}" for level in range(levels or 1))

    def check(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> Iterator[ValidationIssue]:
        """Check that the network is piecewise affine, and small enough."""
        for bank in inputs["denoiser"]:
            known = bank.value_spec
            if known.affine is False:
                yield ValidationIssue("denoiser", f"{bank.name!r} is made of more than slabs and ReLU networks")
            if known.neurons is not None and known.neurons > _MOST_NEURONS:
                yield ValidationIssue(
                    "denoiser",
                    f"{bank.name!r} has {known.neurons} neurons; at most {_MOST_NEURONS} are enumerated",
                )

    def build(self, context: Context, *, denoiser: DenoiserBank) -> Result[FixedPointCounts]:
        """Enumerate the fixed points, in a table with one row per level and one with one row per point.

        Raises NodeError where no level has a solution, or networks are of another type or too large.
        """
        from flowlab.theory.flows.fixed_points import all_fixed_points
        from flowlab.theory.geometry.frame import frame_of
        from flowlab.theory.geometry.stable_sums import distinct_sums
        from flowlab.theory.geometry.subset_sums import nearest_sum

        geometry = denoiser.training.geometry
        if not bool(denoiser.usable.any()):
            raise NodeError("the denoiser has no solution at any level")
        levels = [level for level, usable in enumerate(denoiser.usable.tolist()) if usable]
        frame = frame_of(geometry)
        near = self.tolerance * frame.scale
        rows: list[dict[str, Cell]] = []
        places: list[dict[str, Cell]] = []
        for done, level in enumerate(levels):
            try:
                fixed, sums = all_fixed_points(_network(denoiser, level), frame), len(distinct_sums(geometry)[0])
            except ValueError as error:
                raise NodeError(str(error)) from error
            stable = fixed.points[fixed.stable]
            to_training = (stable[:, None] - geometry.points).norm(dim=-1).amin(-1)
            to_sum = nearest_sum(geometry.anchor, geometry.edges, stable, "l2", rays=geometry.rays)
            is_sum = to_sum <= near
            training = to_training <= near
            rows.append(
                {
                    "sigma": denoiser.sigma[level].item(),
                    "rho": None if denoiser.rho is None else denoiser.rho[level].item(),
                    "fixed": len(fixed.points),
                    "stable": len(stable),
                    "training": int(training.sum()),
                    "virtual": int((is_sum & ~training).sum()),
                    "other": int((~is_sum & ~training).sum()),
                    "sums": sums,
                    "undecided": int(fixed.undecided.sum()),
                    "undecided_regions": fixed.singular,
                }
            )
            for flag, point in zip(fixed.stable.tolist(), fixed.points.tolist(), strict=True):
                coordinates = {f"y{axis}": value for axis, value in enumerate(point)}
                places.append({"sigma": rows[-1]["sigma"], "stable": flag, **coordinates})
            context.progress(done + 1, len(levels), {})
        table = FixedPointCounts.of(rows)
        metrics: dict[str, Any] = {
            "levels": len(levels),
            "sums": sums,
            **{key: table.columns[key] for key in ("fixed", "stable", "training", "virtual", "other")},
            "undecided": table.columns["undecided"],
            "undecided_regions": table.columns["undecided_regions"],
        }
        return Result(table, metrics, {"levels": table, "points": Table.of(places)})


def _network(bank: DenoiserBank, level: int) -> ReluNetwork:
    import torch

    from flowlab.theory.networks.relu_network import as_relu_network

    network = as_relu_network(bank.network.at(level))
    if network is None:
        raise NodeError("fixed points are enumerated for slabs and ReLU networks alone")
    return network.to(torch.float64)
