"""Exact flows of shallow ReLU denoisers, region by region."""

from __future__ import annotations

from collections.abc import Callable

import torch
from attrs import define, frozen
from torch import Tensor

from flowlab.theory.affine_regions import AffineRegions
from flowlab.theory.first_crossing import first_crossing, powers
from flowlab.theory.flow_limit import FlowLimits, attractors, largest_eigenvalue

_ORDER = 24  # of the power series in a region
_LONGEST = 8.0  # step in r, whatever the series says
_AHEAD = 2.0  # times as far as where the first kink would be at the present speed
_ROUNDS = 5_000  # steps of a start, of which a flow that settles takes some dozens
_FAR = 1e9  # times the size of starts and kinks: a flow that goes to infinity
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

    In a region the flow is y* + exp(r (J - I)) (y - y*), here as its power series, whose last terms are below
    the rounding of y. It goes on to where the first height changes its sign, found without overlooking any, and
    there enters the next region. A limit is reached where the start is so near to its region's attracting fixed
    point that it can't leave the region any more. Source: arXiv 2506.19031, Eq. of the score flow, of which
    probability flow at one denoiser is a part, r = log(sigma / sigma').
    """
    center = starts.mean(0)
    inner = regions.about(center)
    width = (_ORDER + 1) * (regions.inner.shape[0] + 2 * regions.inner.shape[1])
    parts = (starts - center).split(max(16, _BLOCK // width))
    marches = []
    for done, part in enumerate(parts):
        march = _March.begin(inner, part, times)
        while march.go_on(to_limit):
            pass
        marches.append(march)
        report(done + 1, len(parts))
    states = torch.cat([march.states for march in marches], 1) + center
    states[times <= 0] = starts
    return RegionFlow(
        states,
        torch.cat([march.count for march in marches]),
        _joined([march.limits() for march in marches], center) if to_limit else None,
    )


def _joined(limits: list[FlowLimits], center: Tensor) -> FlowLimits:
    names = ("reached", "residual", "eigenvalue", "radius")
    rest = (torch.cat([getattr(one, name) for one in limits]) for name in names)
    return FlowLimits(torch.cat([one.points for one in limits]) + center, *rest)


@define
class _March:
    """Starts on their way: y (S, d) at their own times r (S,), in the regions `active` (S, K).

    A start has `stayed` if its last step ended in the region where it began, and is `settled` if it is within
    the radius of its region's attractor, or at rest.
    """

    regions: AffineRegions
    size: float  # of starts and kinks
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
        size = float(torch.cat([starts.abs().flatten(), regions.biases.abs()]).max())
        active = regions.active(starts, regions.field(starts))
        stayed, known, settled = (zero.bool() for _ in range(3))
        count = zero.long() + 1
        return cls(
            regions, size, times, states, starts.clone(), zero, active, count, stayed, known, starts.clone(),
            zero.clone(), settled,
        )  # fmt: skip

    def go_on(self, to_limit: bool) -> bool:
        """Take a step with all starts that have some way to go; False if there are none."""
        last = float(self.times[-1])
        going = (self.r < last) | ~self.settled if to_limit else self.r < last
        rows = (going & (self.y.abs().amax(-1) < _FAR * self.size)).nonzero()[:, 0]
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
        self._step(rows, y, field, active, left)
        return True

    def _enter(self, rows: Tensor, active: Tensor) -> None:
        """Note the regions that starts are in, and count those that are new."""
        entered = (active != self.active[rows]).any(-1)
        self.count[rows] += entered
        self.active[rows] = active
        self.known[rows] &= ~entered
        self.stayed[rows] &= ~entered

    def _settle(self, rows: Tensor, y: Tensor, field: Tensor) -> None:
        """Mark the starts that can't leave their attractor any more, and those at rest."""
        fresh = rows[self.stayed[rows] & ~self.known[rows]]
        if len(fresh):
            self.points[fresh], self.radius[fresh] = attractors(self.regions, self.active[fresh])
            self.known[fresh] = True
        held = self.known[rows] & ((y - self.points[rows]).norm(dim=-1) < self.radius[rows])
        rest = field.abs().amax(-1) <= 64 * torch.finfo(y.dtype).eps * self.size
        only = rows[rest & ~held]
        self.points[only], self.radius[only] = self.y[only], 0.0
        self.settled[rows] |= held | rest

    def _step(self, rows: Tensor, y: Tensor, field: Tensor, active: Tensor, left: Tensor) -> None:
        """To the first kink on the way, or as far as the series goes, noting the states on the way there."""
        longest = torch.minimum(left.clamp_max(_LONGEST), _AHEAD * _next_kink(self.regions, y, field))
        series, heights, length = self._series(y, field, active, longest)
        share, neuron = _first_kink(self.regions, y, active, series, heights, length)
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
        self.stayed[rows] = ~crossed
        changed = active[crossed]
        changed[torch.arange(len(changed)), neuron[crossed]] ^= True
        self._enter(rows[crossed], changed)

    def _series(self, y: Tensor, field: Tensor, active: Tensor, longest: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Coefficients of y (n + 1, S, d) and of the heights (n + 1, S, K) in r, and the step (S,) they serve."""
        regions, on = self.regions, active.to(y)
        limits = torch.finfo(y.dtype)
        bound = limits.eps / 2 * (y.abs().amax(-1) + field.abs().amax(-1)).clamp_min(limits.tiny)
        skip = regions.skip.mT if bool(regions.skip.any()) else None
        series, heights, length = [y, field], [regions.heights(y), field @ regions.inner.mT], longest
        for order in range(2, _ORDER + 1):
            term = (heights[-1] * on) @ regions.outer - series[-1]
            if skip is not None:
                term = term + series[-1] @ skip
            series.append(term / order)
            heights.append(series[-1] @ regions.inner.mT)
            size = series[-1].abs().amax(-1)
            if order >= _ORDER - 1:
                reach = (bound / size).pow(1 / order)
                length = torch.minimum(length, torch.where(size > 0, reach, torch.inf))
            elif bool((size * longest**order <= bound / 16).all()):
                break  # all that is left out is smaller still
        return torch.stack(series), torch.stack(heights), length

    def limits(self) -> FlowLimits:
        """What has been found of the limits."""
        points = torch.where(self.settled[:, None], self.points, self.y)
        residual = self.regions.field(points).abs().amax(-1)
        eigenvalue = largest_eigenvalue(self.regions.maps(self.active)[0])
        radius = torch.where(self.settled, self.radius, 0.0)
        return FlowLimits(points, self.settled, residual, eigenvalue, radius)


def _next_kink(regions: AffineRegions, y: Tensor, field: Tensor) -> Tensor:
    """When the first kink would be met if heights went on at their present speed; inf for none: (S,)."""
    heights, speed = regions.heights(y), field @ regions.inner.mT
    coming = (heights * speed < 0) & (heights.abs() > regions.rounding(y))
    times = torch.where(coming, -heights / speed, torch.inf)
    return times.amin(-1) if times.shape[-1] else torch.full_like(y[:, 0], torch.inf)


def _first_kink(
    regions: AffineRegions, y: Tensor, active: Tensor, series: Tensor, heights: Tensor, length: Tensor
) -> tuple[Tensor, Tensor]:
    """The share of the step after which the first height changes its sign, inf for none; and which: (S,) each."""
    # |w_k| = 1: no height changes by more than y moves
    sizes = series[1:].norm(dim=-1) * powers(length, len(series)).mT[1:]
    near = heights[0].abs() <= regions.rounding(y)
    start, neuron = (near | (heights[0].abs() <= sizes.sum(0)[:, None])).nonzero(as_tuple=True)
    shares = torch.full_like(heights[0], torch.inf)
    if not shares.shape[1]:
        return torch.full_like(length, torch.inf), torch.zeros_like(length, dtype=torch.long)
    if len(start):
        sign = torch.where(active[start, neuron], 1.0, -1.0).to(y)
        terms = heights[:, start, neuron].mT * powers(length, len(heights))[start] * sign[:, None]
        # from a kink the flow moves away: divided by tau, the polynomial has no zero at the start
        divided = torch.cat([terms[:, 1:], torch.zeros_like(terms[:, :1])], -1)
        terms = torch.where(near[start, neuron][:, None], divided, terms)
        # what rounding left on the wrong side is on the kink
        terms[:, 0].clamp_min_(0)
        shares[start, neuron] = first_crossing(terms)
    first = shares.min(-1)
    return first.values, first.indices
