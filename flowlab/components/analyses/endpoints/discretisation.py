"""The effect of an integrator's error on the endpoints and their classes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from attrs import frozen

from flowlab.api import (
    Center,
    Context,
    DenoiserBank,
    Integrator,
    IntegratorErrors,
    NodeError,
    NodeLabel,
    NodeSpec,
    Result,
    ValidationIssue,
    check_exact_flow,
    exact_end_known,
    gaussian_starts,
    parameter,
    probability_path,
    reference,
)
from flowlab.api.helpers.swept_keys import check_free_keys


@frozen
class Discretisation:
    """The endpoints of the probability flow by each integrator and number of steps, against the exact endpoints.

    A bank of S levels gives S steps, so a sweep over the levels of its schedule varies the number of steps. The
    exact endpoint is h_{rho_T}(y_T), so the error is that of the integrator alone. Source: arXiv 2506.19031,
    Theorem 4.4.
    """

    denoiser: tuple[str, ...] = reference(
        "denoiser", many=True, gather=True, help="closed forms with an exact flow, one per number of steps"
    )
    integrator: tuple[str, ...] = reference("integrator", many=True, help="integrators to compare")
    samples: int = parameter(500, help="number of starts", ge=1)
    center: Center = parameter("cell", help="mean of the starts: anchor, centroid or the cell's middle")
    spread: float | None = parameter(
        None, help="standard deviation of the starts (default: the largest sigma)", unit="data units", gt=0
    )
    threshold: float = parameter(0.2, help="threshold of the classes, L-infinity", unit="shortest lengths", gt=0)

    def check(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> Iterator[ValidationIssue]:
        """Check that one sweep at most repeats the denoisers, that their ends are known, and exact flows."""
        yield from check_free_keys(
            "denoiser", inputs.get("denoiser", ()), 1, "one sweep can vary the number of steps"
        )
        yield from check_exact_flow(inputs)
        for bank in inputs["denoiser"]:
            if bank.value_spec.balls is False or bank.value_spec.training.separable is False:
                yield ValidationIssue(
                    "denoiser",
                    f"the flow of {bank.name!r} is not known exactly; use the closed form of an orthogonal set "
                    "with the origin or of a line",
                )

    def places(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> Iterator[str]:
        """The places of the numbers of each denoiser and integrator, by the number of steps."""
        for bank in inputs["denoiser"]:
            for method in inputs["integrator"]:
                yield f"{bank.name}/{method.name}.order"
                yield from (
                    f"{bank.name}/{method.name}.{number}.*" for number in ("error_max", "error_mean", "changed")
                )

    def build(
        self, context: Context, *, denoiser: Mapping[NodeLabel, DenoiserBank], integrator: Mapping[str, Integrator]
    ) -> Result[IntegratorErrors]:
        """Compare the endpoints, in a table with one row per denoiser, integrator and number of steps.

        Raises NodeError where the exact endpoints are not known.
        """
        from flowlab.theory.flows.convergence import empirical_order
        from flowlab.theory.geometry.classes import classify

        rows: list[dict[str, Any]] = []
        quiet = context.without_progress()
        for done, (label, bank) in enumerate(denoiser.items()):
            path = probability_path(bank)
            if not exact_end_known(bank):
                raise NodeError(
                    f"{label}: its flow is not known exactly; use the closed form of an orthogonal set with the "
                    "origin or of a line"
                )
            starts = gaussian_starts(bank, self.samples, self.center, self.spread, context)
            exact, geometry = bank.denoise(starts, 0), bank.training.geometry
            expected = classify(exact, geometry, self.threshold, "linf").labels
            for name, method in integrator.items():
                ends = method.integrate(path, starts, quiet)[-1]
                error = (ends - exact).abs().amax(-1)
                changed = classify(ends, geometry, self.threshold, "linf").labels != expected
                rows.append(
                    {
                        "denoiser": label.name,
                        "integrator": name,
                        "steps": len(bank.sigma),
                        "scale": geometry.scale,
                        "error_max": error.max().item(),
                        "error_mean": error.mean().item(),
                        "changed": int(changed.sum()),
                        "starts": self.samples,
                        "changed_share": changed.double().mean().item(),
                    }
                )
            context.progress(done + 1, len(denoiser), {})
        series: dict[str, list[dict[str, Any]]] = {}
        for row in rows:
            series.setdefault(f"{row['denoiser']}/{row['integrator']}", []).append(row)
        metrics = {
            name: {
                "order": empirical_order(
                    [row["steps"] for row in some],
                    [row["error_mean"] / row["scale"] for row in some],
                ),
                **{
                    key: {str(row["steps"]): row[key] for row in some}
                    for key in ("error_max", "error_mean", "changed")
                },
            }
            for name, some in series.items()
        }
        table = IntegratorErrors.of(rows)
        return Result(table, metrics, {"discretisation": table})
