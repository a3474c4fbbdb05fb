"""Every fixed point of a denoiser, and which of them are stable."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from attrs import frozen

from flowlab.api import Cell, Context, DenoiserBank, NodeError, NodeSpec, Result, Table, parameter, reference

if TYPE_CHECKING:
    from flowlab.theory.networks.relu_network import ReluNetwork


@frozen
class FixedPoints:
    """All points with h(y) = y at each level, found region by region, so that none is missed.

    A ReLU network of K neurons is affine on at most 2^K regions, each with one candidate. Stable: all eigenvalues
    of the Jacobian have real part below 1 on every region that meets the point. A stable one that is no subset sum
    of training points would contradict the theorems. Source: arXiv 2506.19031, Section 4.
    """

    denoiser: str = reference("denoiser", help="a bank of slabs or small ReLU networks (at most 16 neurons)")
    tolerance: float = parameter(
        1e-6, help="largest distance of a stable point from the sum that it is", unit="shortest lengths", gt=0
    )

    def places(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> Iterator[str]:
        """Two of all levels together, and the counts at each."""
        yield from ("levels", "sums")
        counts = ("fixed", "stable", "training", "virtual", "other", "undecided", "undecided_regions")
        yield from (f"{count}.*" for count in counts)

    def build(self, context: Context, *, denoiser: DenoiserBank) -> Result:
        """One row a level.

        Raises NodeError for other or larger networks.
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
                found, sums = all_fixed_points(_network(denoiser, level), frame), len(distinct_sums(geometry)[0])
            except ValueError as error:
                raise NodeError(str(error)) from error
            stable = found.points[found.stable]
            gaps = (stable[:, None] - geometry.points).norm(dim=-1).amin(-1)
            apart = nearest_sum(geometry.anchor, geometry.edges, stable, "l2", rays=geometry.rays)
            summed = apart <= near
            training = gaps <= near
            rows.append(
                {
                    "sigma": denoiser.sigma[level].item(),
                    "rho": None if denoiser.rho is None else denoiser.rho[level].item(),
                    "fixed": len(found.points),
                    "stable": len(stable),
                    "training": int(training.sum()),
                    "virtual": int((summed & ~training).sum()),
                    "other": int((~summed & ~training).sum()),
                    "sums": sums,
                    "undecided": int(found.undecided.sum()),
                    "undecided_regions": found.singular,
                }
            )
            for flag, point in zip(found.stable.tolist(), found.points.tolist(), strict=True):
                coordinates = {f"y{axis}": value for axis, value in enumerate(point)}
                places.append({"sigma": rows[-1]["sigma"], "stable": flag, **coordinates})
            context.progress(done + 1, len(levels), {})
        table = Table.of(rows)
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
