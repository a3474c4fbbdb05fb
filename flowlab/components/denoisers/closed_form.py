"""The closed-form denoiser on balls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from attrs import frozen

from flowlab.api import (
    BankSpec,
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

_ROUNDING = 1e-6  # single precision included: what is closer to the limit, the run decides


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
        """Check that the dataset can have a closed form, and that the balls do not overlap."""
        (dataset,), (schedule,) = inputs["dataset"], inputs["schedule"]
        if dataset.value_spec.closed_form is False:
            yield ValidationIssue("dataset", f"the dataset {dataset.name!r} has no closed-form denoiser")
        limit, largest = dataset.value_spec.largest_radius, schedule.value_spec.largest
        if limit is not None and largest is not None and self.alpha * largest >= limit * (1 + _ROUNDING):
            yield ValidationIssue(
                "alpha",
                f"the balls of {dataset.name!r} have radii below {limit:.4g}, found alpha * sigma = "
                f"{self.alpha * largest:.4g} at the noisiest level of {schedule.name!r}",
            )

    def value_spec(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> BankSpec:
        """What is known of the bank before the run."""
        training = inputs["dataset"][0].value_spec
        return BankSpec(
            training,
            inputs["schedule"][0].value_spec,
            solved=True,
            balls=True,
            relu=False,
            affine=True,
            neurons=None if training.slabs is None else 2 * training.slabs,
            history=False,
            quality=False,
        )

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
