"""The strength of weight decay at which a network has no neurons left."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from attrs import frozen

from flowlab.api import (
    CollapseStrengths,
    Context,
    NodeSpec,
    Result,
    Schedule,
    TrainingSet,
    parameter,
    reference,
)


@frozen
class Collapse:
    """The strength of coupled weight decay from which on the best network is affine and has no neurons.

    The skip connection V y + c is free, and at low noise it denoises well: its residual is of the order of
    sigma. Neurons can reduce only this residual, so the strength decreases with the noise. It is `strength` of
    weight-decay, in units of the largest distance of a training point from the anchor. It is exact in the plane.
    In other dimensions it is an estimate, the best of many ascents, and the true strength may be larger.
    """

    dataset: str = reference("dataset", help="training points whose noisy samples are fitted")
    schedule: str = reference("schedule", help="the noise levels")
    starts: int = parameter(128, help="random starting neurons of the search", ge=1)
    steps: int = parameter(60, help="steps of ascent", ge=1)

    def places(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> Iterator[str]:
        """The places of the least and the largest strength."""
        yield from ("strength_min", "strength_max")

    def build(self, context: Context, *, dataset: TrainingSet, schedule: Schedule) -> Result[CollapseStrengths]:
        """Compute the strength of every level, in a table with one row per level."""
        from flowlab.theory.certificates.certificate import Search
        from flowlab.theory.certificates.collapse import collapse_strength
        from flowlab.theory.geometry.frame import training_frame

        sigma = schedule.sigma(context.dtype)
        frame = training_frame(dataset.geometry)
        rows = []
        for level, samples in enumerate(frame.inside(dataset.draw(sigma)).double()):
            demand, residual = collapse_strength(
                samples,
                frame.inside(dataset.geometry.points).double(),
                Search(self.starts, self.steps),
                context.level_generator("", level, float(sigma[level])),
            )
            rms = frame.scale * residual.square().mean().sqrt()
            rows.append((sigma[level].item(), demand.value, demand.exact, rms.item()))
            context.progress(level + 1, len(sigma), {"strength": demand.value})
        names = ("sigma", "strength", "exact", "affine_rms")
        table = CollapseStrengths(dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)))
        metrics = {"strength_min": min(table["strength"]), "strength_max": max(table["strength"])}
        return Result(table, metrics, {"collapse": table})
