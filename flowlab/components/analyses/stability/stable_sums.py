"""How many subset sums of training points are stable at each radius."""

from __future__ import annotations

from typing import Any

from attrs import frozen

from flowlab.api import Cell, Context, DenoiserBank, NodeError, Result, Table, parameter, reference


@frozen
class StableSums:
    """All subset sums at all levels: those that are attractors of h, beside those of theory.

    Stable: y <- h(y) from the sum stays there, and all eigenvalues of the Jacobian have real part below 1 on every
    piece of h that meets it.

    Theory: the sum of I is stable from rho_I = max_k sum_{n in I, n != k} |u_k . v_n| on in an obtuse simplex, at
    any rho in an orthogonal set. Source: arXiv 2506.19031, Section 4 and Appendices B, C.
    """

    denoiser: str = reference("denoiser", help="a closed form, its levels the radii to test")
    threshold: float = parameter(
        1e-6, help="largest distance from the sum at the end", unit="shortest lengths", gt=0
    )
    iterations: int = parameter(100, help="most iterations of h", ge=1)

    def build(self, context: Context, *, denoiser: DenoiserBank) -> Result:
        """One row a level and one a sum.

        Raises NodeError for a bank whose stable sums theory does not know.
        """
        from flowlab.theory.flows.attractors import attractors
        from flowlab.theory.geometry.frame import frame_of
        from flowlab.theory.geometry.stable_sums import critical_radii, distinct_sums
        from flowlab.theory.geometry.subset_sums import subset_masks

        geometry = denoiser.training.geometry
        if denoiser.rho is None:
            raise NodeError("the stable sums of theory are those of a closed form")
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
            found = attractors(denoiser.network.at(level), points, frame, self.iterations)
            near = (found.limits - points).norm(dim=-1) <= self.threshold * frame.scale
            kept, open_ = near & found.stable, near & found.undecided
            expected = critical <= rho
            wrong = int((kept != expected)[~open_].sum())
            differing += wrong
            undecided += int(open_.sum())
            rows.append(
                {"rho": rho, "stable": int(kept.sum()), "predicted": int(expected.sum()), "differing": wrong}
            )
            context.progress(level + 1, len(denoiser.sigma), {})
        table = Table.of(rows)
        value = {**table.columns, "critical": critical.tolist()}
        tests = len(points) * len(rows)
        metrics: dict[str, Any] = {
            "sums": len(points),
            **table.columns,
            "tests": tests,
            "differing_total": differing,
            "undecided": undecided,
        }
        each = Table({"order": order.tolist(), "critical_radius": critical.tolist()})
        short = f"{undecided} of {tests} sums are undecided" if undecided else None
        return Result(value, metrics, {"levels": table, "sums": each}, short)
