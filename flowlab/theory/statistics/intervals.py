"""Confidence intervals of binomial shares and of means."""

from __future__ import annotations

import math
from collections.abc import Sequence

from scipy.stats import binomtest, t


def clopper_pearson(successes: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """The exact confidence interval of a binomial share; (0, 1) for no trials.

    Source: Clopper and Pearson, Biometrika 26 (1934), 404-413.
    """
    if not trials:
        return 0.0, 1.0
    interval = binomtest(successes, trials).proportion_ci(confidence, method="exact")
    return float(interval.low), float(interval.high)


def over_seeds(
    values: Sequence[float], starts: int | None, confidence: float = 0.95, *, same_starts: bool = False
) -> tuple[float, float]:
    """The confidence interval of a mean over seeds, by Student's t.

    values (n,), one per seed. If the values are shares of `starts` starts each, the interval is at least the
    Clopper-Pearson interval of the starts of all seeds together, and it stays within 0 and 1. The reason is that
    shares of few starts are often equal, and equal values have a t interval of width 0. With `same_starts` all
    seeds have the same starts, which are then counted once: the starts of several seeds are not independent.
    """
    low, high = student(values, confidence)
    if starts is None or len(values) < 2:
        return low, high
    drawn = starts if same_starts else len(values) * starts
    share = math.fsum(values) / len(values)
    pooled_low, pooled_high = clopper_pearson(round(share * drawn), drawn, confidence)
    return max(0.0, min(low, pooled_low)), min(1.0, max(high, pooled_high))


def student(values: Sequence[float], confidence: float = 0.95) -> tuple[float, float]:
    """The t interval of the mean of independent values; a point if all values are equal or there is only one.

    It is exact for normal values. Source: Student, Biometrika 6 (1908), 1-25.
    """
    if min(values) == max(values):
        return values[0], values[0]
    count = len(values)
    mean = math.fsum(values) / count
    deviation = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (count - 1))
    half = float(t.ppf((1 + confidence) / 2, count - 1)) * deviation / math.sqrt(count)
    return mean - half, mean + half
