"""What a denoiser is: a bank of functions h, one per noise level."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from attrs import field, frozen

from flowlab.api.helpers.largest_number import largest_number
from flowlab.api.metric_labels import metric_label

if TYPE_CHECKING:
    from torch import Tensor

    from flowlab.api.kinds.dataset import TrainingSet
    from flowlab.api.result import Result, Table

HEADLINE_METRICS = ("violation_max", "slab_ratio", "gap_proved", "gap_estimate")
"""The metrics that tell how well a bank interpolates."""


def headline(result: Result) -> str:
    """The worst level's violation, cost over the slabs' and gaps, of those that a bank reports."""
    numbers = {name: largest_number(result.metrics.get(name)) for name in HEADLINE_METRICS}
    return ", ".join(
        f"{metric_label(name)} {number:.4g}" for name, number in numbers.items() if number is not None
    )


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
