"""How strong weight decay may be before a network gives up its neurons."""

from __future__ import annotations

from attrs import frozen

from flowlab.api import Context, Result, Schedule, Table, TrainingSet, parameter, reference


@frozen
class Collapse:
    """The strength of coupled weight decay from which the best network is affine: no neuron is worth its norm.

    The skip connection V y + c is free, and at low noise it denoises well: its residual is of the order of
    sigma. Neurons can only win that back, so the strength falls with the noise. It is that of weight-decay, in
    units of the largest distance of a training point from the anchor. Beyond the plane it is an estimate, the
    best of many ascents: the true strength may be larger.
    """

    dataset: str = reference("dataset", help="whose noisy samples are fitted")
    schedule: str = reference("schedule", help="the noise levels")
    starts: int = parameter(128, help="random starting neurons of the search", ge=1)
    steps: int = parameter(60, help="steps of ascent", ge=1)

    def build(self, context: Context, *, dataset: TrainingSet, schedule: Schedule) -> Result:
        """One row a level."""
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
                context.generator(f"{level}"),
            )
            off = frame.scale * residual.square().mean().sqrt()
            rows.append((sigma[level].item(), demand.value, demand.exact, off.item()))
            context.progress(level + 1, len(sigma), {"strength": demand.value})
        names = ("sigma", "strength", "exact", "affine_rms")
        value = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
        metrics = {"strength_min": min(value["strength"]), "strength_max": max(value["strength"])}
        return Result(value, metrics, {"collapse": Table(value)})
