"""Score flow."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from attrs import frozen

from flowlab.api import (
    Center,
    Context,
    DenoiserBank,
    FlowODE,
    FlowSpec,
    Integrator,
    NodeError,
    NodeSpec,
    Result,
    Trajectories,
    ValidationIssue,
    check_exact_flow,
    gaussian_starts,
    nearest_level,
    parameter,
    reference,
    start_law,
)
from flowlab.components.flows.integrate_flow import IntegratedFlow, integrate_flow, takes_no_steps

if TYPE_CHECKING:
    from torch import Tensor

_EXACT_GRID = (16.0, 64)  # last r and number of steps of the recorded states of a flow to its limit
_INTEGRATED_GRID = (100.0, 400)  # the same for an integrator
_AT_REST = 1e-6  # largest |h(y) - y| at rest, as a share of the shortest length or of sigma


@frozen
class ScoreFlow:
    """The score flow dy/dr = h(y) - y of one denoiser, at one noise level, to its limit.

    It is exact, region by region, where the denoiser is piecewise affine (a trained network, slabs, a closed
    form): each start is followed to its limit point, unless there is a `duration`. In other cases an integrator is
    used for a long time, by default DDIM, and once more at half the step. Starts are those of the probability
    flow. Source: arXiv 2506.19031, Theorems 4.2 and 4.3.
    """

    denoiser: str = reference("denoiser", help="the bank; the flow is that of one of its levels")
    integrator: str | None = reference(
        "integrator", None, help="how the flow steps (default: exactly, or DDIM for other denoisers)"
    )
    sigma: float | None = parameter(
        None, help="noise level; the nearest one is used (default: the least)", unit="data units", gt=0
    )
    duration: float | None = parameter(
        None, help="time r at the end (default: the limit of an exact flow, 100 with an integrator)", gt=0
    )
    steps: int | None = parameter(
        None, help="number of steps, uniform in r (default: 400; for an exact flow 64 up to r = 16)", ge=1
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
        return FlowSpec(inputs["denoiser"][0].value_spec, "score", self.samples)

    def memory(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> Mapping[str, int]:
        """The bytes of all states, by the key to lower."""
        bank = inputs["denoiser"][0].value_spec
        states = (self.steps or 0) + 1
        return {"samples": 4 * self.samples * states * (bank.training.dimension or 1)}

    def build(self, context: Context, *, denoiser: DenoiserBank, integrator: Integrator | None) -> Result:
        """Follow the flow from the starts to its limit, or to the end of its duration.

        Raises NodeError where no level has a solution, or a state is not finite.
        """
        if not bool(denoiser.usable.any()):
            raise NodeError("the denoiser has no solution at any level")
        level = nearest_level(denoiser, self.sigma)
        starts = gaussian_starts(denoiser, self.samples, self.center, self.spread, context)
        path = self._path(denoiser, level, integrator, 1)
        finer = partial(self._path, denoiser, level, integrator, 2)
        carried = integrate_flow(path, finer, starts, integrator, context)
        value = Trajectories(
            carried.states, path.time, denoiser, "score", level, start_law(denoiser, self.center, self.spread),
            carried.regions, carried.limits, carried.half, context.pinned_kind is not None,
        )  # fmt: skip
        metrics: dict[str, Any] = {
            "samples": self.samples,
            "sigma": denoiser.sigma[level].item(),
            "residual_max": (path.denoise(value.ends, 0) - value.ends).abs().max().item(),
            **carried.metrics,
        }
        if carried.limits is not None:
            metrics["radius_min"] = carried.limits.radius.min().item()
        return Result(value, metrics, carried.tables, self._shortfall(value, metrics, carried))

    def _path(self, bank: DenoiserBank, level: int, integrator: Integrator | None, finer: int) -> FlowODE:
        """The equation of the flow, with `finer` times as many steps; the last time of a limit is inf."""
        import torch

        from flowlab.theory.flows.affine_regions import affine_regions
        from flowlab.theory.flows.region_flow import RegionFlow, region_flow

        network = bank.network.at(level)
        regions = affine_regions(network) if takes_no_steps(integrator) else None
        duration, steps = _INTEGRATED_GRID if regions is None else _EXACT_GRID
        to_limit = regions is not None and self.duration is None
        r = torch.linspace(0, self.duration or duration, finer * (self.steps or steps) + 1).to(bank.sigma)

        def denoise(y: Tensor, _: int) -> Tensor:
            return network(y[None])[0]

        def follow(y: Tensor, report: Callable[[int, int], None]) -> RegionFlow:
            flow = region_flow(regions, y, r, to_limit, report)  # type: ignore[arg-type]
            if flow.limits is None:
                return flow
            return RegionFlow(torch.cat([flow.states, flow.limits.points[None]]), flow.regions, flow.limits)

        time = torch.cat([r, r.new_tensor([torch.inf])]) if to_limit else r
        return FlowODE(-time, time, torch.full_like(time, -1), denoise, follow if regions is not None else None)

    def _shortfall(self, value: Trajectories, metrics: Mapping[str, Any], carried: IntegratedFlow) -> str | None:
        """The number of ends that are no limits, in words; None if all are."""
        residual = metrics["residual_max"]
        if carried.limits is not None:
            missing = int((~carried.limits.reached).sum())
            if not missing:
                return None
            return f"{missing} of {self.samples} starts have no limit: |h(y) - y| is {residual:.2g}"
        least = min(value.bank.training.geometry.scale, metrics["sigma"])
        if residual <= _AT_REST * least:
            return None
        return (
            f"not at rest at r = {float(value.times[-1]):g}: |h(y) - y| is still {residual:.2g} for one of "
            f"{self.samples} starts, more than {_AT_REST:g} of {least:.2g}, the least length there is"
        )
