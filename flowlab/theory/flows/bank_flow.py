"""The exact probability flow through a bank of shallow ReLU denoisers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from flowlab.theory.flows.affine_regions import AffineRegions
from flowlab.theory.flows.flow_limit import FlowLimits
from flowlab.theory.flows.region_flow import RegionFlow, region_flow
from flowlab.theory.flows.spectrum import largest_eigenvalue


def bank_flow(
    levels: Sequence[AffineRegions],
    sigma: Tensor,
    starts: Tensor,
    report: Callable[[int, int], None] = lambda *_: None,
) -> RegionFlow:
    """The states of dy/dsigma = (y - h(y, sigma)) / sigma at falling sigma (L,) and at 0: (L + 1, S, d).

    From starts (S, d) at sigma_1. h at sigma is the denoiser of the level that is nearest in log sigma, so the
    denoiser changes half way between two levels, at sqrt(sigma_l sigma_{l+1}). As levels become denser, the states
    converge at second order. Between changes the flow is exact: dy/dr = h_l(y) - y with r = -log sigma. Below the
    last level no denoiser is known, so the end is h_L(y), y the state at that level. The limits hold `residual`
    |h_L(y) - y| and `eigenvalue` at the end; their radius is nan.
    """
    # r of the levels, 0 at the first, and of the changes between them
    r = torch.log(sigma[0] / sigma)
    changes = (r[1:] + r[:-1]) / 2
    zero = r[:1]
    first, last = torch.cat([zero, changes]), torch.cat([changes, r[-1:]])
    states, y = [], starts
    regions = torch.ones_like(starts[:, 0], dtype=torch.long)
    for level, (denoiser, begin, end) in enumerate(zip(levels, first, last, strict=True)):
        times = torch.stack([r[level] - begin, end - begin])
        flow = region_flow(denoiser, y, times, to_limit=False)
        states.append(flow.states[0])
        y = flow.states[1]
        regions = regions + flow.regions - 1  # type: ignore[operator]
        report(level + 1, len(levels))
    bottom = levels[-1]
    final = y + bottom.field(y)
    states.append(final)
    return RegionFlow(torch.stack(states), regions, _end_limits(bottom, final))


def _end_limits(bottom: AffineRegions, end: Tensor) -> FlowLimits:
    """The residual and the eigenvalue of the last level's denoiser at the ends (S, d)."""
    field = bottom.field(end)
    eigenvalue = largest_eigenvalue(bottom.maps(bottom.active(end, field))[0])
    none = torch.full_like(eigenvalue, torch.nan)
    return FlowLimits(end, torch.ones_like(none, dtype=torch.bool), field.abs().amax(-1), eigenvalue, none)
