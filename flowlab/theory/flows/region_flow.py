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

_SLOW = 4  # steps in one region after which the flow there is taken to be slow
_ROUNDS = 5_000  # steps of a start, of which a flow that settles takes some dozens
_FAR = 1e9  # times the size of the data: a flow that goes to infinity
_BLOCK = 2**21  # numbers of the series held at once


@frozen
class RegionFlow:
    """States (P, S, d) at the times asked for, the number of regions that each start went through (S,), its limit.

    States are nan where a flow left the finite numbers or didn't come so far. `regions` is None where they were
    not counted, `limits` where none was asked for.
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
    """Follow dy/dr = h(y) - y from starts (S, d) to rising times r >= 0 (P,), and to its limit if asked to.

    In a region the flow is y* + exp(r (J - I)) (y - y*), here as its power series, whose last terms are below the
    rounding of y. It goes on to where the first height changes its sign, found without overlooking any, and there
    enters the next region. A limit is reached where the start is so near to its region's attracting fixed point
    that it can't leave the region any more. All is done in float64, whatever the dtype. Source: arXiv 2506.19031,
    Eq. of the score flow, of which probability flow at one denoiser is a part, r = log(sigma / sigma').
    """
    center = starts.double().mean(0)
    inner = regions.double().about(center)
    width = (ORDER + 1) * (regions.inner.shape[0] + 2 * regions.inner.shape[1])
    parts = (starts.double() - center).split(max(16, _BLOCK // width))
    marches = []
    for done, part in enumerate(parts):
        march = _March.begin(inner, part, times.double())
        while march.go_on(to_limit):
            pass
        marches.append(march)
        report(done + 1, len(parts))
    states = (torch.cat([march.states for march in marches], 1) + center).to(starts)
    states[times <= 0] = starts
    return RegionFlow(
        states,
        torch.cat([march.count for march in marches]),
        _joined([march.limits() for march in marches], center).to(starts) if to_limit else None,
    )


def _joined(limits: list[FlowLimits], center: Tensor) -> FlowLimits:
    names = ("reached", "residual", "eigenvalue", "radius")
    rest = (torch.cat([getattr(one, name) for one in limits]) for name in names)
    return FlowLimits(torch.cat([one.points for one in limits]) + center, *rest)


@define
class _March:
    """Starts on their way: y (S, d) at their own times r (S,), in the regions `active` (S, K).

    A start has `stayed` in its region for so many steps, and is `settled` if it is within the radius of its
    region's attractor, or at rest.
    """

    regions: AffineRegions
    size: float  # of starts, of where they are drawn, and of what is added to them
    times: Tensor
    states: Tensor
    y: Tensor
    r: Tensor
    active: Tensor
    count: Tensor
    stayed: Tensor
    known: Tensor  # whether the region's attractor has been looked for
    points: Tensor
    radius: Tensor
    settled: Tensor
    rounds: int = 0

    @classmethod
    def begin(cls, regions: AffineRegions, starts: Tensor, times: Tensor) -> _March:
        """At r = 0."""
        zero = torch.zeros_like(starts[:, 0])
        states = torch.full((len(times), *starts.shape), torch.nan).to(starts)
        field = regions.field(starts)
        # the data's own size: a single start is at the center, and far kinks are none of the flow's
        size = float(torch.cat([starts.abs().flatten(), field.abs().flatten(), regions.offset.abs()]).max())
        active = regions.active(starts, field)
        count = zero.long() + 1
        return cls(
            regions, size, times, states, starts.clone(), zero, active, count, zero.long(), zero.bool(),
            starts.clone(), zero.clone(), zero.bool(),
        )  # fmt: skip

    def go_on(self, to_limit: bool) -> bool:
        """Take a step with all starts that have some way to go; False if there are none."""
        last = float(self.times[-1])
        going = (self.r < last) | ~self.settled if to_limit else self.r < last
        rows = (going & (self.y.abs().amax(-1) <= _FAR * self.size)).nonzero()[:, 0]
        self.rounds += 1
        if not len(rows) or self.rounds > _ROUNDS:
            return False
        y = self.y[rows]
        field = self.regions.field(y)
        active = self.regions.active(y, field, self.active[rows])
        self._enter(rows, active)
        if to_limit:
            self._settle(rows, y, field)
        # without a limit to reach there is nothing beyond the last time
        left = torch.full_like(y[:, 0], torch.inf) if to_limit else last - self.r[rows]
        slow = (self.stayed[rows] >= _SLOW) & ~self.settled[rows]
        for some in (~slow, slow):
            if bool(some.any()):
                self._step(rows[some], y[some], field[some], active[some], left[some], bool(slow[some].all()))
        return True

    def _enter(self, rows: Tensor, active: Tensor) -> None:
        """Note the regions that starts are in, and count those that are new."""
        entered = (active != self.active[rows]).any(-1)
        self.count[rows] += entered
        self.active[rows] = active
        self.known[rows] &= ~entered
        self.stayed[rows] *= ~entered

    def _settle(self, rows: Tensor, y: Tensor, field: Tensor) -> None:
        """Mark the starts that can't leave their attractor any more, and those at rest."""
        fresh = rows[(self.stayed[rows] > 0) & ~self.known[rows]]
        if len(fresh):
            self.points[fresh], self.radius[fresh] = region_attractors(self.regions, self.active[fresh])
            self.known[fresh] = True
        held = self.known[rows] & ((y - self.points[rows]).norm(dim=-1) < self.radius[rows])
        rounding = torch.finfo(y.dtype).eps * self.size
        speed = field.abs().amax(-1)
        rest = (speed <= 64 * rounding) & ~held & ~self.settled[rows]
        # on a gentle slope next to nothing moves, and yet grows: rest is only where nothing does
        slopes = largest_eigenvalue(self.regions.maps(self.active[rows[rest]])[0])
        rest[rest.clone()] = (slopes <= 1) | (speed[rest] <= rounding)
        only = rows[rest]
        self.points[only], self.radius[only] = self.y[only], 0.0
        self.settled[rows] |= held | rest

    def _step(self, rows: Tensor, y: Tensor, field: Tensor, active: Tensor, left: Tensor, slow: bool) -> None:
        """To the first kink on the way, or as far as the series goes, noting the states on the way there."""
        linear = None
        if slow:
            field, linear = slow_part(self.regions, field, active, self.size)
        series, heights, length = power_series(self.regions, y, field, active, left, linear)
        share, neuron = first_kink(self.regions, y, active, series, heights, length)
        crossed = share <= 1
        r, length = self.r[rows], length * share.clamp_max(1)
        # the last time is met to the bit
        after = torch.where(~crossed & (length >= left), self.times[-1], r + length)
        passed = (self.times > r[:, None]) & (self.times <= after[:, None])
        start, moment = passed.nonzero(as_tuple=True)
        if len(start):
            along = powers(self.times[moment] - r[start], len(series))
            self.states[moment, rows[start]] = torch.einsum("nj,jnd->nd", along, series[:, start])
        self.y[rows] = torch.einsum("nj,jnd->nd", powers(length, len(series)), series)
        self.r[rows] = after
        self.stayed[rows] += 1
        changed = active[crossed]
        changed[torch.arange(len(changed)), neuron[crossed]] ^= True
        self._enter(rows[crossed], changed)

    def limits(self) -> FlowLimits:
        """What has been found of the limits."""
        points = torch.where(self.settled[:, None], self.points, self.y)
        residual = self.regions.field(points).abs().amax(-1)
        eigenvalue = largest_eigenvalue(self.regions.maps(self.active)[0])
        radius = torch.where(self.settled, self.radius, 0.0)
        return FlowLimits(points, self.settled, residual, eigenvalue, radius)
