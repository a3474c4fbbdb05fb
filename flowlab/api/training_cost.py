"""The amount of computation of a training, as known before it begins."""

from __future__ import annotations

from typing import Literal

from attrs import frozen


@frozen
class TrainingCost:
    """What `training_cost(points, samples)` of an optimizer returns: steps, each on `rows` rows per level.

    The training set has `points` points with `samples` samples each. `bound` says whether the true cost is about
    this, at most this or at least this.
    """

    steps: int
    rows: int
    precision: Literal["float32", "float64"]
    bound: Literal["about", "at most", "at least"] = "about"


@frozen
class BankTrainingCost:
    """What `training_cost(**inputs)` of a denoiser returns, with the inputs of `build`: the cost of its bank."""

    cost: TrainingCost
    levels: int
    dimension: int
    width: int
    memory: int  # bytes, at most

    @property
    def products(self) -> int:
        """The multiplications of one step: two matrix products forward, three backward."""
        return 5 * self.levels * self.cost.rows * self.dimension * self.width
