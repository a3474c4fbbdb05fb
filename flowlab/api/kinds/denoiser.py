"""What a denoiser is: a bank of functions h, one per noise level."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from attrs import field, frozen

from flowlab.api.helpers.largest_number import largest_number

if TYPE_CHECKING:
    from torch import Tensor

    from flowlab.api.kinds.dataset import TrainingSet
    from flowlab.api.result import Result, Table

HEADLINE_LABELS = {
    "violation_max": "violation_max",
    "slab_ratio": "cost over slabs' cost",
    "gap_proved": "proved gap",
    "gap_estimate": "estimated gap",
}
"""The metrics that tell how well a bank interpolates, and how they are called where people read them."""


def headline(result: Result) -> str:
    """The worst level's violation, cost over the slabs' and gaps, of those that a bank reports."""
    numbers = {label: largest_number(result.metrics.get(name)) for name, label in HEADLINE_LABELS.items()}
    return ", ".join(f"{label} {number:.4g}" for label, number in numbers.items() if number is not None)


class Denoiser(Protocol):
    """A bank of denoisers h, one per noise level.

    If h is known at all noise levels, a method `at_sigma(sigma (L,)) -> Denoiser` returns it there. The half step
    of a flow then uses the denoisers between its levels.
    """

    def __call__(self, y: Tensor) -> Tensor:
        """Denoise y (L, S, d) level by level: (L, S, d)."""

    def at(self, level: int) -> Denoiser:
        """The denoiser of one level, as a bank of one."""


@frozen
class DenoiserBank:
    """What a denoiser builds: networks at falling noise levels sigma (L,), in data units.

    usable (L,) marks the levels that have a solution. rho (L,) are the ball radii of a closed form, and
    multipliers (L, N * M, d) are those of the training (see Fit).
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
        """The denoised h(y) at one level, for y (S, d): (S, d)."""
        return self.network.at(level)(y[None])[0]
