"""The closed-form denoiser on balls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from attrs import frozen

from flowlab.api import (
    Context,
    DenoiserBank,
    NodeError,
    NodeSpec,
    Result,
    Schedule,
    TrainingSet,
    ValidationIssue,
    parameter,
    reference,
)


@frozen
class ClosedForm:
    """The closed form that maps the ball B(x_n, rho) to x_n, with rho = alpha * sigma.

    It comes from the theory of the dataset: a sum of clipped ridge functions (slabs), of minimum norm unless
    `conjecture` in the metrics says that it is an upper bound. The M samples of a cluster reach about
    sqrt(2 log M) sigma along any direction, hence the default alpha = 3. Source: arXiv 2506.19031, Section 3 and
    Appendices B, C; arXiv 2311.06748.
    """

    dataset: str = reference("dataset", help="training points that have a closed form")
    schedule: str = reference("schedule", help="noise levels, one denoiser each")
    alpha: float = parameter(3.0, help="ball radius divided by the noise level, rho = alpha * sigma", gt=0)

    def check(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> Iterator[ValidationIssue]:
        """Check that the dataset can have a closed form."""
        for dataset in inputs.get("dataset", ()):
            if not getattr(dataset.component, "has_closed_form", True):
                yield ValidationIssue("dataset", f"the dataset {dataset.name!r} has no closed-form denoiser")

    def build(self, context: Context, *, dataset: TrainingSet, schedule: Schedule) -> Result:
        """Evaluate the closed form at every level.

        Raises NodeError where there is no closed form, or the balls are too large.
        """
        import torch

        form = dataset.geometry.closed_form
        if form is None:
            raise NodeError("these training points have no closed-form denoiser")
        sigma = schedule.sigma(context.dtype).to(context.device)
        rho = self.alpha * sigma
        try:
            slabs = form(rho)
        except ValueError as error:
            raise NodeError(f"{error}; lower alpha or the schedule's final_time") from error
        usable = torch.ones_like(sigma, dtype=torch.bool)
        metrics = {
            "sigma": sigma.tolist(),
            "rho": rho.tolist(),
            "cost": slabs.cost.tolist(),
            "conjecture": dataset.geometry.conjecture,
        }
        return Result(DenoiserBank(sigma, slabs, dataset, usable, rho=rho), metrics)
