"""What a flow builds: the states that starts go through."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

if TYPE_CHECKING:
    from torch import Tensor

    from flowlab.api.kinds.denoiser import DenoiserBank
    from flowlab.theory.flows.flow_limit import FlowLimits


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
