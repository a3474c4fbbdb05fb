"""How much work a training is, before it begins."""

from __future__ import annotations

from typing import Literal

from attrs import frozen


@frozen
class TrainingCost:
    """What `training_cost(points, samples)` of an optimizer says: steps on Q rows a level.

    The training set has N points of M samples each.

    `bound` says whether that is about the work, or more or less than it.
    """

    steps: int
    rows: int
    precision: Literal["float32", "float64"]
    bound: Literal["about", "at most", "at least"] = "about"


@frozen
class BankTrainingCost:
    """What `training_cost(**inputs)` of a denoiser says, inputs as for `build`: its optimizer's, for its bank."""

    cost: TrainingCost
    levels: int
    dimension: int
    width: int
    memory: int  # bytes, at most

    @property
    def products(self) -> int:
        """Multiplications of a step: forward two matrix products, backward three."""
        return 5 * self.levels * self.cost.rows * self.dimension * self.width
