"""Probability flow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial

from attrs import frozen

from flowlab.api import (
    Center,
    Context,
    DenoiserBank,
    FlowSpec,
    Integrator,
    NodeSpec,
    Result,
    Trajectories,
    ValidationIssue,
    check_exact_flow,
    gaussian_starts,
    halved_probability_path,
    parameter,
    probability_path,
    reference,
    start_law,
)
from flowlab.components.flows.integrate_flow import integrate_flow, takes_no_steps


@frozen
class ProbabilityFlow:
    """The probability flow dy/dsigma = (y - h(y, sigma)) / sigma, through the bank's levels down to sigma = 0.

    It is exact, region by region, where all denoisers are piecewise affine (trained networks, slabs, closed
    forms): h at sigma is the denoiser of the level nearest in log sigma, and the last one is applied once more at
    the end. In other cases an integrator is used, by default DDIM, and once more at half the step. Starts are
    y_T ~ N(m, s^2 I) at the largest sigma of the bank. Source: arXiv 2506.19031, Section 2 (the flow, there in
    t = sigma^2) and Theorem 4.4 (its ends).
    """

    denoiser: str = reference("denoiser", help="the bank whose probability flow is followed")
    integrator: str | None = reference(
        "integrator", None, help="how the flow steps from level to level (default: exactly, or DDIM)"
    )
    samples: int = parameter(500, help="number of starts", ge=1)
    center: Center = parameter("cell", help="mean of the starts: anchor, centroid or the cell's middle")
    spread: float | None = parameter(
        None, help="standard deviation of the starts (default: the largest sigma)", unit="data units", gt=0
    )

    def check(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> Iterator[ValidationIssue]:
        """Check that an exact flow has a piecewise affine denoiser."""
        return check_exact_flow(inputs)

    def value_spec(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> FlowSpec:
        """What is known of the flow before the run."""
        return FlowSpec(inputs["denoiser"][0].value_spec, "probability", self.samples)

    def memory(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> Mapping[str, int]:
        """The bytes of all states, by the key to lower."""
        bank = inputs["denoiser"][0].value_spec
        states = (bank.schedule.levels or 0) + 1
        return {"samples": 4 * self.samples * states * (bank.training.dimension or 1)}

    def build(self, context: Context, *, denoiser: DenoiserBank, integrator: Integrator | None) -> Result:
        """Follow the flow from the starts to sigma = 0.

        Raises NodeError where a level has no solution, or a state is not finite.
        """
        import torch

        path = probability_path(denoiser, takes_no_steps(integrator))
        starts = gaussian_starts(denoiser, self.samples, self.center, self.spread, context)
        carried = integrate_flow(path, partial(halved_probability_path, denoiser), starts, integrator, context)
        sigma = torch.cat([denoiser.sigma, denoiser.sigma.new_zeros(1)])
        metrics = {"samples": self.samples, "levels": len(denoiser.sigma), "sigma_start": sigma[0].item()}
        law = start_law(denoiser, self.center, self.spread)
        value = Trajectories(
            carried.states, sigma, denoiser, "probability", law=law,
            regions=carried.regions, limits=carried.limits, half=carried.half,
            same_starts=context.pinned_kind is not None,
        )  # fmt: skip
        return Result(value, metrics | carried.metrics, carried.tables)
