"""What built components hand to one another: training sets, banks, flows, classes; and the tools' duties."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol

from attrs import field, frozen

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from flowlab.api.context import Context
    from flowlab.api.result import Table
    from flowlab.theory.flows.flow_limit import FlowLimits
    from flowlab.theory.flows.region_flow import RegionFlow
    from flowlab.theory.geometry.geometry import Geometry
    from flowlab.theory.geometry.subset_sums import Metric
    from flowlab.theory.networks.interpolation import Interpolation
    from flowlab.theory.networks.relu_network import ReluNetwork


class Denoiser(Protocol):
    """A bank of denoisers h: one a noise level.

    Where h is known at any noise level, a method `at_sigma(sigma (L,)) -> Network` gives it there: a flow's steps
    are then halved with the denoisers between its levels.
    """

    def __call__(self, y: Tensor) -> Tensor:
        """Denoise y (L, S, d) level by level."""

    def at(self, level: int) -> Denoiser:
        """The denoiser of one level, as a bank of one."""


@frozen
class TrainingSet:
    """What a dataset builds: the geometry and how many noisy samples a point are drawn from it.

    `counts` says how often each point is in the training set, where one is several times.
    """

    geometry: Geometry
    samples: int
    draw: Callable[[Tensor], Tensor]  # sigma (L,) -> noisy samples (L, N, M, d), the same at every call
    counts: tuple[int, ...] | None = None


@frozen
class DenoiserBank:
    """What a denoiser builds: networks at falling noise levels sigma (L,).

    `usable` (L,) marks the levels that have a solution. `rho` (L,) are the ball radii of a closed form,
    `multipliers` (L, N * M, d) those that training left behind (see Fit).
    """

    sigma: Tensor
    network: Denoiser
    training: TrainingSet
    usable: Tensor
    rho: Tensor | None = None
    history: Table | None = None  # of training: columns step, level, sigma, violation_max, cost, penalty
    multipliers: Tensor | None = None
    quality: Mapping[str, list[float | None]] = field(factory=dict)  # metric name -> one number a level

    def denoise(self, y: Tensor, level: int) -> Tensor:
        """h(y) at one level, y (S, d)."""
        return self.network.at(level)(y[None])[0]


@frozen
class Fit:
    """What an optimizer returns: networks, the levels solved, and the history of training.

    `multipliers` z (L, N * M, d) of the constraints, where the method has them: those of the Lagrangian
    C - sum_i z_i . (h(y_i) - x_i). `quality` adds figures to the denoiser's own, one number a level each.
    """

    network: ReluNetwork
    usable: Tensor
    history: Table | None = None
    multipliers: Tensor | None = None
    shortfall: str | None = None
    tolerance: float | None = None  # the share of the scale up to which a violation counts as none, if a goal
    quality: Mapping[str, list[float | None]] = field(factory=dict)


class Optimizer(Protocol):
    """Fits a bank of shallow networks to exact interpolation.

    Problem and geometry come in a frame about the anchor in which no training point is farther away than 1.
    """

    def minimise(
        self,
        problem: Interpolation,
        geometry: Geometry,
        start: ReluNetwork,
        dropout: float,
        context: Context,
    ) -> Fit:
        """Fit all levels at once, from `start` (a ReluNetwork of random weights)."""


class Schedule(Protocol):
    """The noise levels of a bank."""

    def sigma(self, dtype: torch.dtype) -> Tensor:
        """Falling noise levels (L,), data units."""


@frozen
class FlowODE:
    """A flow's equation dy/dtau = (y - h_i(y)) / tau on a grid tau_0 > tau_1 > ... >= 0.

    Probability flow: tau = sigma (then dy/dsigma = (y - h)/sigma). Score flow: tau = exp(-r) (then
    dy/dr = h - y). `log_tau` (P,) may end in -inf; `time` (P,) is the paper's own time (t = sigma^2, or
    r) and `rate` (P,) = d log tau / d time there. `denoise(y, i)` is h at grid point i.
    `exact(y, report)`, where the flow is known exactly, gives the states (P, S, d) on the grid without an
    integrator, and what is known of its ends.
    """

    log_tau: Tensor
    time: Tensor
    rate: Tensor
    denoise: Callable[[Tensor, int], Tensor]
    exact: Callable[[Tensor, Callable[[int, int], None]], RegionFlow] | None = None


class Integrator(Protocol):
    """Carries starts along a path."""

    def integrate(self, path: FlowODE, starts: Tensor, context: Context) -> Tensor:
        """The states (P, S, d) on the path's grid, from starts (S, d)."""


@frozen
class StartLaw:
    """Where starts were drawn: y ~ N(mean, spread^2 I), mean (d,)."""

    mean: Tensor
    spread: float


@frozen
class Trajectories:
    """What a flow builds: states (P, S, d) at `times` (P,), from its bank; a limit is at time inf.

    `regions` (S,) counts the affine regions that each start went through, `limits` holds what is known of the
    ends, both of an exact flow. Of an integrated one, `half` (S, d) are the ends at half the step.
    """

    states: Tensor
    times: Tensor
    bank: DenoiserBank
    name: str  # "probability" or "score"
    level: int = -1  # of the bank, where the flow ended
    law: StartLaw | None = None  # of the starts, where they were drawn from one
    regions: Tensor | None = None
    limits: FlowLimits | None = None
    half: Tensor | None = None

    @property
    def starts(self) -> Tensor:
        """(S, d)"""
        return self.states[0]

    @property
    def ends(self) -> Tensor:
        """(S, d)"""
        return self.states[-1]


CLASSES = ("training", "virtual", "boundary", "interior", "elsewhere")


@frozen
class Classes:
    """What a classifier builds: for each flow's node name, labels (S,) that index CLASSES.

    `changed` counts the endpoints of a flow that are of another class at half the step; None for an exact flow.
    `threshold` is a share of the geometry's scale, the shortest length of its points.
    """

    labels: Mapping[str, Tensor]
    flows: Mapping[str, Trajectories]
    threshold: float
    metric: Metric
    changed: Mapping[str, int | None] = field(factory=dict)

    def distance(self, flow: str) -> float:
        """The threshold of a flow in data units."""
        return self.threshold * self.flows[flow].bank.training.geometry.scale

    def counts(self, flow: str) -> dict[str, int]:
        """How many endpoints of a flow fall in each class."""
        return {name: int((self.labels[flow] == k).sum()) for k, name in enumerate(CLASSES)}
