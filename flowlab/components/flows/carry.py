"""From starts to states: what both flows ask of an integrator."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowlab.api import Context, Integrator, NodeError, Path

if TYPE_CHECKING:
    from torch import Tensor


def carry(path: Path, starts: Tensor, integrator: Integrator | None, context: Context) -> Tensor:
    """States (P, S, d) on the path's grid, by Euler in sigma (DDIM) where no integrator is named.

    Raises NodeError where a state is not finite.
    """
    import torch

    states = _euler(path, starts, context) if integrator is None else integrator.integrate(path, starts, context)
    if not bool(torch.isfinite(states).all()):
        raise NodeError("the flow left the finite numbers")
    return states


def _euler(path: Path, starts: Tensor, context: Context) -> Tensor:
    from flowlab.theory.steps import ddim

    return ddim(path.denoise, path.log_tau, starts, lambda done, total: context.progress(done, total, {}))
