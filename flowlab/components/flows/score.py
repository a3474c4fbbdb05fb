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

_SHOWN = (16.0, 64)  # the states of a flow to its limit: up to which r, in how many steps
_INTEGRATED = (100.0, 400)
_AT_REST = 1e-6  # of the least length there is: the points' scale, or sigma


@frozen
class ScoreFlow:
    """The score flow dy/dr = h(y) - y of one denoiser, at one noise level, to its limit.

    Exact, region by region, where the denoiser is piecewise affine (a trained network, slabs, a closed form): each
    start is followed to its limit point, unless there is a `duration`. Else by an integrator, by default DDIM,
    for a long time, and once more at half the step. Starts are those of the probability flow. Source:
    arXiv 2506.19031, Eq. of the score flow, Theorems 4.2 and 4.3.
    """

    denoiser: str = reference("denoiser", help="the bank one of whose levels is followed")
    integrator: str | None = reference(
        "integrator", None, help="how the flow steps (default: exactly, or DDIM where the denoiser isn't affine)"
    )
    sigma: float | None = parameter(
        None, help="noise level, the nearest one is taken (default: the least)", unit="data units", gt=0
    )
    duration: float | None = parameter(
        None, help="time r at the end (default: the limit of an exact flow, 100 with an integrator)", gt=0
    )
    steps: int | None = parameter(
        None, help="number of steps, uniform in r (default: 400; an exact flow shows 64 up to r = 16)", ge=1
    )
    samples: int = parameter(500, help="number of starts", ge=1)
    center: Center = parameter("cell", help="mean of the starts: anchor, centroid or the cell's middle")
    spread: float | None = parameter(
        None, help="standard deviation of the starts (default: the largest sigma)", unit="data units", gt=0
    )

    def check(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> Iterator[ValidationIssue]:
        """An exact flow needs a piecewise affine denoiser."""
        return check_exact_flow(inputs)

    def build(self, context: Context, *, denoiser: DenoiserBank, integrator: Integrator | None) -> Result:
        """Follow the score.

        Raises NodeError where no level has a solution.
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
            carried.regions, carried.limits, carried.half,
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
        """The flow's grid in r, with `finer` times as many steps; its last time is inf where a limit is known."""
        import torch

        from flowlab.theory.flows.affine_regions import affine_regions
        from flowlab.theory.flows.region_flow import RegionFlow, region_flow

        network = bank.network.at(level)
        regions = affine_regions(network) if takes_no_steps(integrator) else None
        duration, steps = _INTEGRATED if regions is None else _SHOWN
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
        """Say where the ends are no limits."""
        residual = metrics["residual_max"]
        if carried.limits is not None:
            lost = int((~carried.limits.reached).sum())
            return f"{lost} of {self.samples} starts have no limit: |h(y) - y| is {residual:.2g}" if lost else None
        least = min(value.bank.training.geometry.scale, metrics["sigma"])
        if residual <= _AT_REST * least:
            return None
        return (
            f"not at rest at r = {float(value.times[-1]):g}: |h(y) - y| is still {residual:.2g} for one of "
            f"{self.samples} starts, more than {_AT_REST:g} of {least:.2g}, the least length there is"
        )
