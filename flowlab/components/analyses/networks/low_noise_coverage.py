"""The levels of a bank that are in the low-noise regime."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from attrs import frozen

from flowlab.api import Context, DenoiserBank, LowNoiseLevels, NodeSpec, Result, parameter, reference


@frozen
class LowNoiseCoverage:
    """The levels at which clusters are separated along every slab and interpolation is exact.

    For each slab, the gap is the least projection of the samples above it minus the largest of those below. A
    level is in the low-noise regime if all gaps are positive and its violation is within the tolerance.
    """

    denoiser: str = reference("denoiser", help="the bank whose levels are judged")
    tolerance: float = parameter(
        1e-3,
        help="largest violation of an interpolating level (at most sigma / 10)",
        unit="shortest lengths",
        gt=0,
    )

    def places(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> Iterator[str]:
        """The places of the counts over all levels."""
        yield from ("levels", "low_noise", "share")

    def build(self, context: Context, *, denoiser: DenoiserBank) -> Result[LowNoiseLevels]:
        """Judge every level, in a table with one row per level."""
        from flowlab.theory.geometry.separation import cluster_gaps
        from flowlab.theory.geometry.tolerance import largest_violation

        samples = denoiser.training.draw(denoiser.sigma)
        gaps = cluster_gaps(samples, denoiser.training.geometry).amin(-1).tolist()
        violations = denoiser.quality.get("violation_max", [None] * len(gaps))
        scale = denoiser.training.geometry.scale
        most = largest_violation(self.tolerance, scale, denoiser.sigma).tolist()
        low = [
            gap > 0 and usable and (violation is None or violation <= allowed)
            for gap, violation, allowed, usable in zip(
                gaps, violations, most, denoiser.usable.tolist(), strict=True
            )
        ]
        table = LowNoiseLevels(
            {
                "sigma": denoiser.sigma.tolist(),
                "gap": gaps,
                "violation": violations,
                "low_noise": low,
            }
        )
        metrics = {"levels": len(low), "low_noise": sum(low), "share": sum(low) / len(low)}
        return Result(table, metrics, {"regime": table})
