"""Exact flows of shallow ReLU denoisers, region by region."""

from __future__ import annotations

from collections.abc import Callable

import torch
from attrs import define, frozen
from torch import Tensor

from flowlab.theory.flows.affine_regions import AffineRegions
from flowlab.theory.flows.first_crossing import powers
from flowlab.theory.flows.first_kink import first_kink
from flowlab.theory.flows.flow_limit import FlowLimits, region_attractors
from flowlab.theory.flows.power_series import ORDER, power_series, slow_part
from flowlab.theory.flows.spectrum import largest_eigenvalue

_SLOW = 4  # steps in one region after which the flow there is treated as slow
_ROUNDS = 5_000  # most steps of a start; a flow with a limit needs some dozens
_FAR = 1e9  # a state this many times the size of the data goes to infinity
_BLOCK = 2**21  # numbers of the power series held at once


@frozen
class RegionFlow:
    """The states of S flows at P times, states (P, S, d), with their regions and limits.

    States are nan where a flow diverged or ended before that time. regions (S,) is the number of affine regions
    that each flow passed through, None where they were not counted. `limits` is None where none were requested.
    """

    states: Tensor
    regions: Tensor | None = None
    limits: FlowLimits | None = None


def region_flow(
    regions: AffineRegions,
    starts: Tensor,
    times: Tensor,
    to_limit: bool,
    report: Callable[[int, int], None] = lambda *_: None,
) -> RegionFlow:
    """Follow dy/dr = h(y) - y from starts (S, d) to rising times r >= 0, times (P,), and to its limit if asked.

    In a region the flow is y* + exp(r (J - I)) (y - y*), computed as a power series whose last terms are below the
    rounding of y. The flow leaves the region where a height first changes its sign (`first_crossing` misses none)
    and enters the next one. A limit is reached where the state is so near the attracting fixed point of its region
    that it cannot leave the region any more. All is computed in float64, whatever the dtype. Source: the score
    flow is that of arXiv 2506.19031, Theorems 4.2 and 4.3; the probability flow at one denoiser, from sigma to
    sigma', is the same flow over r = log(sigma / sigma').
    """
    center = starts.double().mean(0)
    inner = regions.double().about(center)
    width = (ORDER + 1) * (regions.inner.shape[0] + 2 * regions.inner.shape[1])
    parts = (starts.double() - center).split(max(16, _BLOCK // width))
    steppers = []
    for done, part in enumerate(parts):
        stepper = _RegionStepper.at_start(inner, part, times.double())
        while stepper.advance(to_limit):
            pass
        steppers.append(stepper)
        report(done + 1, len(parts))
    states = (torch.cat([stepper.states for stepper in steppers], 1) + center).to(starts)
    states[times <= 0] = starts
    return RegionFlow(
        states,
        torch.cat([stepper.count for stepper in steppers]),
        _concat_limits([stepper.limits() for stepper in steppers], center).to(starts) if to_limit else None,
    )


def _concat_limits(parts: list[FlowLimits], center: Tensor) -> FlowLimits:
    names = ("reached", "residual", "eigenvalue", "radius")
    numbers = (torch.cat([getattr(part, name) for part in parts]) for name in names)
    return FlowLimits(torch.cat([part.points for part in parts]) + center, *numbers)


@define
class _RegionStepper:
    """S flows that advance region by region: states y (S, d) at their own times r (S,), in regions active (S, K).

    Each step changes it in place. A flow is `at_limit` if it is within the radius of its region's attractor, or at
    rest.
    """

    regions: AffineRegions
    size: float  # the largest of the starts, their velocities and the denoiser's offset
    times: Tensor  # (P,) at which states are noted
    states: Tensor  # (P, S, d)
    y: Tensor
    r: Tensor
    active: Tensor
    count: Tensor  # (S,) regions entered so far
    steps_in_region: Tensor  # (S,)
    attractor_known: Tensor  # (S,) whether the attractor of the present region has been computed
    points: Tensor  # (S, d) attractors of the present regions
    radius: Tensor  # (S,) about the attractors
    at_limit: Tensor  # (S,)
    rounds: int = 0

    @classmethod
    def at_start(cls, regions: AffineRegions, starts: Tensor, times: Tensor) -> _RegionStepper:
        """The flows at r = 0."""
        zero = torch.zeros_like(starts[:, 0])
        states = torch.full((len(times), *starts.shape), torch.nan).to(starts)
        field = regions.field(starts)
        # the size of the data itself: a single start is at the center, and far kinks may never be met
        size = float(torch.cat([starts.abs().flatten(), field.abs().flatten(), regions.offset.abs()]).max())
        active = regions.active(starts, field)
        count = zero.long() + 1
        return cls(
            regions, size, times, states, starts.clone(), zero, active, count, zero.long(), zero.bool(),
            starts.clone(), zero.clone(), zero.bool(),
        )  # fmt: skip

    def advance(self, to_limit: bool) -> bool:
        """Take one step with all flows that are unfinished; False if there are none."""
        last = float(self.times[-1])
        unfinished = (self.r < last) | ~self.at_limit if to_limit else self.r < last
        rows = (unfinished & (self.y.abs().amax(-1) <= _FAR * self.size)).nonzero()[:, 0]
        self.rounds += 1
        if not len(rows) or self.rounds > _ROUNDS:
            return False
        y = self.y[rows]
        field = self.regions.field(y)
        active = self.regions.active(y, field, self.active[rows])
        self._enter(rows, active)
        if to_limit:
            self._mark_limits(rows, y, field)
        # without a limit to reach, a step ends at the last time
        remaining = torch.full_like(y[:, 0], torch.inf) if to_limit else last - self.r[rows]
        slow = (self.steps_in_region[rows] >= _SLOW) & ~self.at_limit[rows]
        for part in (~slow, slow):
            if bool(part.any()):
                self._step(rows[part], y[part], field[part], active[part], remaining[part], bool(slow[part].all()))
        return True

    def _enter(self, rows: Tensor, active: Tensor) -> None:
        """Note the regions that flows are in, and count those that are new."""
        new = (active != self.active[rows]).any(-1)
        self.count[rows] += new
        self.active[rows] = active
        self.attractor_known[rows] &= ~new
        self.steps_in_region[rows] *= ~new

    def _mark_limits(self, rows: Tensor, y: Tensor, field: Tensor) -> None:
        """Mark the flows that cannot leave the basin of their attractor any more, and those at rest."""
        unknown = rows[(self.steps_in_region[rows] > 0) & ~self.attractor_known[rows]]
        if len(unknown):
            self.points[unknown], self.radius[unknown] = region_attractors(self.regions, self.active[unknown])
            self.attractor_known[unknown] = True
        in_basin = self.attractor_known[rows] & ((y - self.points[rows]).norm(dim=-1) < self.radius[rows])
        rounding = torch.finfo(y.dtype).eps * self.size
        speed = field.abs().amax(-1)
        at_rest = (speed <= 64 * rounding) & ~in_basin & ~self.at_limit[rows]
        # on a gentle slope a velocity near rounding still grows: there only a velocity of zero is rest
        slopes = largest_eigenvalue(self.regions.maps(self.active[rows[at_rest]])[0])
        at_rest[at_rest.clone()] = (slopes <= 1) | (speed[at_rest] <= rounding)
        resting = rows[at_rest]
        self.points[resting], self.radius[resting] = self.y[resting], 0.0
        self.at_limit[rows] |= in_basin | at_rest

    def _step(self, rows: Tensor, y: Tensor, field: Tensor, active: Tensor, remaining: Tensor, slow: bool) -> None:
        """Go to the first kink, or as far as the series serves, and note the states at the times in between."""
        linear = None
        if slow:
            field, linear = slow_part(self.regions, field, active, self.size)
        series, heights, length = power_series(self.regions, y, field, active, remaining, linear)
        share, neuron = first_kink(self.regions, y, active, series, heights, length)
        crosses = share <= 1
        r, length = self.r[rows], length * share.clamp_max(1)
        # the last time is met to the bit
        end = torch.where(~crosses & (length >= remaining), self.times[-1], r + length)
        passed = (self.times > r[:, None]) & (self.times <= end[:, None])
        start, time = passed.nonzero(as_tuple=True)
        if len(start):
            terms = powers(self.times[time] - r[start], len(series))
            self.states[time, rows[start]] = torch.einsum("nj,jnd->nd", terms, series[:, start])
        self.y[rows] = torch.einsum("nj,jnd->nd", powers(length, len(series)), series)
        self.r[rows] = end
        self.steps_in_region[rows] += 1
        next_active = active[crosses]
        next_active[torch.arange(len(next_active)), neuron[crosses]] ^= True
        self._enter(rows[crosses], next_active)

    def limits(self) -> FlowLimits:
        """The limits of all flows, and of unfinished ones their present state."""
        points = torch.where(self.at_limit[:, None], self.points, self.y)
        residual = self.regions.field(points).abs().amax(-1)
        eigenvalue = largest_eigenvalue(self.regions.maps(self.active)[0])
        radius = torch.where(self.at_limit, self.radius, 0.0)
        return FlowLimits(points, self.at_limit, residual, eigenvalue, radius)
