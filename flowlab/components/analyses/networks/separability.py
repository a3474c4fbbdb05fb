"""The noise level up to which the clusters of a dataset are separable."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from attrs import frozen

from flowlab.api import Context, NodeSpec, Result, Schedule, SeparableLevels, TrainingSet, parameter, reference


@frozen
class Separability:
    """The levels at which hyperplanes separate the clusters, and the sigma at which this ends.

    A slab denoiser needs a hyperplane between each cluster and all others; where the geometry has no pattern, one
    cluster may be missing. With a pattern, it needs one between the clusters above and below each of its slabs.
    The levels are judged by the samples on which denoisers of this dataset are trained. The critical sigma is
    computed by bisection on one more draw, with the same noise at all sigma, so it differs from draw to draw.
    """

    dataset: str = reference("dataset", help="training points whose noisy samples are judged")
    schedule: str = reference("schedule", help="the noise levels")
    relative: float = parameter(1e-3, help="relative width of the bracket of the critical sigma", gt=1e-9, lt=1)

    def places(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> Iterator[str]:
        """The places of the numbers over all levels."""
        yield from ("levels", "separable", "largest_separable", "critical_low", "critical_high")

    def build(self, context: Context, *, dataset: TrainingSet, schedule: Schedule) -> Result[SeparableLevels]:
        """Judge every level, in a table with one row per level."""
        from flowlab.theory.geometry.separability import critical_sigma, separable_levels

        points, pattern = dataset.geometry.points, dataset.geometry.pattern
        sigma = schedule.sigma(context.dtype)
        separable = separable_levels(dataset.draw(sigma), pattern)
        noise = dataset.draw(sigma.new_ones(1))[0] - points[:, None]
        end = critical_sigma(points, noise, pattern, float(sigma.max()), self.relative)
        table = SeparableLevels({"sigma": sigma.tolist(), "separable": separable.tolist()})
        inseparable = int((~separable).sum())
        metrics = {
            "levels": len(sigma),
            "separable": len(sigma) - inseparable,
            "largest_separable": max(
                (s for s, flag in zip(table["sigma"], table["separable"], strict=True) if flag), default=None
            ),
            "critical_low": end.low if end else None,
            "critical_high": end.high if end else None,
        }
        words = f"the clusters are not separable at {inseparable} of {len(sigma)} levels"
        shortfall = words if inseparable else None
        return Result(table, metrics, {"separability": table}, shortfall=shortfall)
