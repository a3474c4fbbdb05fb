"""From starts to states, by an integrator or exactly; both flows use it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from attrs import frozen

from flowlab.api import Context, FlowODE, Integrator, NodeError, Table

if TYPE_CHECKING:
    from torch import Tensor

    from flowlab.theory.flows.flow_limit import FlowLimits


@frozen
class IntegratedFlow:
    """The states of a flow on its grid, states (P, S, d), and what is known about its ends.

    An exact flow has regions (S,) and limits; an integrated flow has the ends at half the step, half (S, d).
    """

    states: Tensor
    regions: Tensor | None = None
    limits: FlowLimits | None = None
    half: Tensor | None = None

    @property
    def metrics(self) -> dict[str, Any]:
        """The metrics over all starts that say how far the ends can be trusted."""
        metrics: dict[str, Any] = {"exact": self.half is None}
        if self.half is not None:
            metrics["half_step_distance_max"] = (self.states[-1] - self.half).abs().max().item()
        if self.regions is not None:
            metrics |= {"regions_median": self.regions.median().item(), "regions_max": self.regions.max().item()}
        if self.limits is not None:
            metrics |= {
                "residual_max": self.limits.residual.max().item(),
                "eigenvalue_max": self.limits.eigenvalue.max().item(),
            }
        return metrics

    @property
    def tables(self) -> dict[str, Table]:
        """What is known about each end, one row per start; no table where nothing is known."""
        if self.limits is None or self.regions is None:
            return {}
        columns = {
            "regions": self.regions.tolist(),
            "residual": self.limits.residual.tolist(),
            "eigenvalue": self.limits.eigenvalue.tolist(),
            "radius": [None if radius != radius else radius for radius in self.limits.radius.tolist()],
        }
        return {"ends": Table({"start": list(range(len(self.regions))), **columns})}


def takes_no_steps(integrator: Integrator | None) -> bool:
    """Whether a flow is to be exact where it is known exactly: with no integrator, or an exact one."""
    return integrator is None or getattr(integrator, "exact", False)


def integrate_flow(
    path: FlowODE, finer: Callable[[], FlowODE], starts: Tensor, integrator: Integrator | None, context: Context
) -> IntegratedFlow:
    """Follow a flow from starts (S, d) on its grid: exactly where it is known, else by the integrator or by DDIM.

    An integrator also follows `finer()`, the same flow at half the step. Raises NodeError where a state is not
    finite.
    """
    import torch

    if takes_no_steps(integrator) and path.exact is not None:
        flow = path.exact(starts, lambda done, total: context.progress(done, total, {}))
        integrated = IntegratedFlow(flow.states, flow.regions, flow.limits)
    else:
        states = _integrate(path, starts, integrator, context)
        integrated = IntegratedFlow(states, half=_integrate(finer(), starts, integrator, context)[-1])
    if not bool(torch.isfinite(integrated.states).all()):
        raise NodeError("the flow diverged: a state is not finite")
    return integrated


def _integrate(path: FlowODE, starts: Tensor, integrator: Integrator | None, context: Context) -> Tensor:
    from flowlab.theory.flows.steps import ddim

    if integrator is None:
        return ddim(path.denoise, path.log_tau, starts, lambda done, total: context.progress(done, total, {}))
    return integrator.integrate(path, starts, context)
