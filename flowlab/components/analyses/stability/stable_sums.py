"""The number of subset sums of training points that are stable at each radius."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from attrs import frozen

from flowlab.api import (
    Cell,
    Context,
    DenoiserBank,
    NodeError,
    NodeSpec,
    Result,
    StableSumCounts,
    Table,
    ValidationIssue,
    parameter,
    reference,
)


@frozen
class StableSums:
    """The stable subset sums at all levels, by iteration of h and by theory.

    A sum is stable if the iteration y <- h(y) from it stays there, and all eigenvalues of the Jacobian have real
    part below 1 on every piece of h that meets it.

    By theory, in an obtuse simplex the sum of I is stable from rho_I = max_k sum_{n in I, n != k} |u_k . v_n| on,
    and in an orthogonal set at any rho. Source: arXiv 2506.19031, Section 4 and Appendices B, C.
    """

    denoiser: str = reference("denoiser", help="a closed form, whose levels give the radii")
    threshold: float = parameter(
        1e-6, help="largest distance of the limit from the sum", unit="shortest lengths", gt=0
    )
    iterations: int = parameter(100, help="most iterations of h", ge=1)

    def check(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> Iterator[ValidationIssue]:
        """Check that theory predicts the stable sums."""
        for bank in inputs["denoiser"]:
            if bank.value_spec.balls is False:
                yield ValidationIssue(
                    "denoiser", f"{bank.name!r} is no closed form, and theory predicts only these"
                )
            elif bank.value_spec.training.stable_sums is False:
                yield ValidationIssue(
                    "denoiser", f"theory has no condition for the stability of the sums of {bank.name!r}"
                )

    def places(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> Iterator[str]:
        """The places of the counts over all sums, and of the numbers of each level."""
        yield from ("sums", "tests", "differing_total", "undecided")
        yield from (f"{number}.*" for number in ("rho", "stable", "predicted", "differing"))

    def build(self, context: Context, *, denoiser: DenoiserBank) -> Result[StableSumCounts]:
        """Test all sums, in a table with one row per level and one with one row per sum.

        Raises NodeError for a bank whose stable sums theory does not predict.
        """
        from flowlab.theory.flows.attractors import attractors
        from flowlab.theory.geometry.frame import frame_of
        from flowlab.theory.geometry.stable_sums import critical_radii, distinct_sums
        from flowlab.theory.geometry.subset_sums import subset_masks

        geometry = denoiser.training.geometry
        if denoiser.rho is None:
            raise NodeError("theory predicts stable sums for a closed form only")
        try:
            critical = critical_radii(geometry)
        except ValueError as error:
            raise NodeError(str(error)) from error
        points, owner = distinct_sums(geometry)
        size = subset_masks(len(geometry.edges)).sum(-1).to(owner)
        order = size.new_full((len(points),), len(geometry.edges)).scatter_reduce(0, owner, size, "amin")
        frame = frame_of(geometry)
        rows: list[dict[str, Cell]] = []
        differing = undecided = 0
        for level, rho in enumerate(denoiser.rho.tolist()):
            ends = attractors(denoiser.network.at(level), points, frame, self.iterations)
            near = (ends.limits - points).norm(dim=-1) <= self.threshold * frame.scale
            stable, unclear = near & ends.stable, near & ends.undecided
            predicted = critical <= rho
            wrong = int((stable != predicted)[~unclear].sum())
            differing += wrong
            undecided += int(unclear.sum())
            rows.append(
                {"rho": rho, "stable": int(stable.sum()), "predicted": int(predicted.sum()), "differing": wrong}
            )
            context.progress(level + 1, len(denoiser.sigma), {})
        table = Table.of(rows)
        value = StableSumCounts(table.columns, critical.tolist())
        tests = len(points) * len(rows)
        metrics: dict[str, Any] = {
            "sums": len(points),
            **table.columns,
            "tests": tests,
            "differing_total": differing,
            "undecided": undecided,
        }
        sums = Table({"order": order.tolist(), "critical_radius": critical.tolist()})
        shortfall = f"{undecided} of {tests} sums are undecided" if undecided else None
        return Result(value, metrics, {"levels": table, "sums": sums}, shortfall)
