"""From starts to states: what both flows ask of an integrator, or do without one."""

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
    """States (P, S, d) on a path's grid; regions and limits of an exact flow, else the ends at half the step."""

    states: Tensor
    regions: Tensor | None = None
    limits: FlowLimits | None = None
    half: Tensor | None = None

    @property
    def metrics(self) -> dict[str, Any]:
        """The figures of all starts that say how far the ends can be trusted."""
        found: dict[str, Any] = {"exact": self.half is None}
        if self.half is not None:
            found["half_step_distance_max"] = (self.states[-1] - self.half).abs().max().item()
        if self.regions is not None:
            found |= {"regions_median": self.regions.median().item(), "regions_max": self.regions.max().item()}
        if self.limits is not None:
            found |= {
                "residual_max": self.limits.residual.max().item(),
                "eigenvalue_max": self.limits.eigenvalue.max().item(),
            }
        return found

    @property
    def tables(self) -> dict[str, Table]:
        """What is known of each end, a row a start; none where nothing is."""
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
    """Whether a flow is followed exactly where that is known."""
    return integrator is None or getattr(integrator, "exact", False)


def integrate_flow(
    path: FlowODE, finer: Callable[[], FlowODE], starts: Tensor, integrator: Integrator | None, context: Context
) -> IntegratedFlow:
    """States on the path's grid: exact where they are known so, else by the integrator, by default DDIM.

    An integrator goes along `finer()`, the same path at half the step, as well. Raises NodeError where a state is
    not finite.
    """
    import torch

    if takes_no_steps(integrator) and path.exact is not None:
        flow = path.exact(starts, lambda done, total: context.progress(done, total, {}))
        carried = IntegratedFlow(flow.states, flow.regions, flow.limits)
    else:
        states = _integrated(path, starts, integrator, context)
        carried = IntegratedFlow(states, half=_integrated(finer(), starts, integrator, context)[-1])
    if not bool(torch.isfinite(carried.states).all()):
        raise NodeError("the flow left the finite numbers")
    return carried


def _integrated(path: FlowODE, starts: Tensor, integrator: Integrator | None, context: Context) -> Tensor:
    from flowlab.theory.flows.steps import ddim

    if integrator is None:
        return ddim(path.denoise, path.log_tau, starts, lambda done, total: context.progress(done, total, {}))
    return integrator.integrate(path, starts, context)
