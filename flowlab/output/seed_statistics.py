"""One number at several seeds: its mean, its spread and the interval of the mean."""

from __future__ import annotations

import math
from collections.abc import Sequence

from attrs import field, frozen

OVER_SEEDS = (
    "mean ± standard deviation over seeds "
    "[95 % interval of the mean over seeds; of shares at least that of all starts]"
)
SAME_STARTS = (
    "all seeds have the same starts, by the flow's own seed: intervals are at least those of these starts alone"
)
OVER_STARTS = "[95 % interval over the starts of one seed alone; other seeds can lie outside it]"


@frozen
class SeedStatistics:
    """A number at each of several seeds; `starts` is given where it is a share of so many starts a seed.

    The interval of several seeds is Student's t interval of the mean. That of a share is at least the
    Clopper-Pearson interval of all starts together; with `same_starts` at all seeds they are counted once. A share
    of one seed has the Clopper-Pearson interval of its starts. A number of one seed that is no share has no
    interval.
    """

    values: tuple[float, ...] = field()
    starts: int | None = None
    same_starts: bool = False

    @values.validator
    def _check_values(self, _: object, values: Sequence[float]) -> None:
        if not values:
            raise ValueError("no values")

    @property
    def seeds(self) -> int:
        """The number of seeds."""
        return len(self.values)

    @property
    def mean(self) -> float:
        """The mean over seeds."""
        if min(self.values) == max(self.values):
            return self.values[0]
        return math.fsum(self.values) / self.seeds

    @property
    def deviation(self) -> float | None:
        """The standard deviation over seeds, with n - 1 in its denominator; None for one seed."""
        if self.seeds < 2:
            return None
        mean = self.mean
        return math.sqrt(math.fsum((value - mean) ** 2 for value in self.values) / (self.seeds - 1))

    @property
    def interval(self) -> tuple[float, float] | None:
        """The two ends of the 95 % interval; None where there is none."""
        from flowlab.theory.statistics.intervals import clopper_pearson, over_seeds

        if self.starts is None:
            return over_seeds(self.values, None) if self.seeds > 1 else None
        if self.seeds == 1:
            return clopper_pearson(round(self.values[0] * self.starts), self.starts)
        low, high = over_seeds(self.values, self.starts, same_starts=self.same_starts)
        return max(low, 0.0), min(high, 1.0)

    def __str__(self) -> str:
        """The number in text: a share in percent with one decimal, any other number with four digits at most."""
        if self.starts == 0:
            return "-"
        deviation, interval = self.deviation, self.interval
        if deviation is None:
            text = self._format(self.mean, 4)
        else:
            text = f"{self._format(self.mean, 4)} ± {self._format(deviation, 2)}"
        if interval is None:
            return text
        low, high = (self._format(end, 3) for end in interval)
        return text if low == high and self.starts is None else f"{text} [{low}, {high}]"

    def _format(self, number: float, digits: int) -> str:
        return f"{number:.{digits}g}" if self.starts is None else f"{100 * number:.1f}"
