"""What a flow builds: the states from starts to endpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

if TYPE_CHECKING:
    from torch import Tensor

    from flowlab.api.kinds.denoiser import DenoiserBank
    from flowlab.theory.flows.flow_limit import FlowLimits


@frozen
class StartLaw:
    """The normal law of the starts, y ~ N(mean, spread^2 I), with mean (d,)."""

    mean: Tensor
    spread: float


@frozen
class Trajectories:
    """What a flow builds: states (P, S, d) at times (P,), from its bank; a limit is at time inf.

    For an exact flow, regions (S,) is the number of affine regions of each flow and `limits` is what is known
    about the ends. For an integrated flow, half (S, d) are the ends at half the step. `same_starts` are those of a
    flow with a seed of its own, which has them at all seeds of an experiment.
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
    same_starts: bool = False

    @property
    def starts(self) -> Tensor:
        """The first states of all flows: (S, d)."""
        return self.states[0]

    @property
    def ends(self) -> Tensor:
        """The last states of all flows, or their limits: (S, d)."""
        return self.states[-1]
