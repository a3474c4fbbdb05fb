"""Up to which noise level the clusters of a dataset are separable."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from attrs import frozen

from flowlab.api import Context, NodeSpec, Result, Schedule, Table, TrainingSet, parameter, reference


@frozen
class Separability:
    """Which levels hyperplanes can separate, cluster by cluster, and the sigma at which that ends.

    What a slab denoiser needs: each cluster apart from all others, but for one where the geometry has no
    pattern; with a pattern, the clusters above each of its slabs apart from those below. The levels are judged
    by the very samples that denoisers of this dataset are trained on. The critical sigma is found by bisection
    on one more draw, the same noise at all sigma, so it differs from draw to draw.
    """

    dataset: str = reference("dataset", help="whose noisy samples are judged")
    schedule: str = reference("schedule", help="the noise levels")
    relative: float = parameter(
        1e-3, help="relative width to which the critical sigma is bracketed", gt=1e-9, lt=1
    )

    def places(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> Iterator[str]:
        """Of all levels together."""
        yield from ("levels", "separable", "largest_separable", "critical_low", "critical_high")

    def build(self, context: Context, *, dataset: TrainingSet, schedule: Schedule) -> Result:
        """One row a level."""
        from flowlab.theory.geometry.separability import critical_sigma, separable_levels

        points, pattern = dataset.geometry.points, dataset.geometry.pattern
        sigma = schedule.sigma(context.dtype)
        separable = separable_levels(dataset.draw(sigma), pattern)
        noise = dataset.draw(sigma.new_ones(1))[0] - points[:, None]
        end = critical_sigma(points, noise, pattern, float(sigma.max()), self.relative)
        value = {"sigma": sigma.tolist(), "separable": separable.tolist()}
        lost = int((~separable).sum())
        metrics = {
            "levels": len(sigma),
            "separable": len(sigma) - lost,
            "largest_separable": max((s for s, held in zip(*value.values(), strict=True) if held), default=None),
            "critical_low": end.low if end else None,
            "critical_high": end.high if end else None,
        }
        shortfall = f"the clusters are not separable at {lost} of {len(sigma)} levels" if lost else None
        return Result(value, metrics, {"separability": Table(value)}, shortfall=shortfall)
