"""How much work a training is, before it begins."""

from __future__ import annotations

from typing import Literal

from attrs import frozen


@frozen
class TrainingCost:
    """What an optimizer's `training_cost(points, samples)` says, for N points of M samples each: steps on Q rows a level.

    `bound` says whether that is about the work, or more or less than it.
    """

    steps: int
    rows: int
    precision: Literal["float32", "float64"]
    bound: Literal["about", "at most", "at least"] = "about"


@frozen
class BankTrainingCost:
    """What a denoiser's `training_cost(**inputs)` says, inputs as for `build`: that of its optimizer, on its bank."""

    cost: TrainingCost
    levels: int
    dimension: int
    width: int
    memory: int  # bytes, at most

    @property
    def products(self) -> int:
        """Multiplications of a step: forward two matrix products, backward three."""
        return 5 * self.levels * self.cost.rows * self.dimension * self.width
