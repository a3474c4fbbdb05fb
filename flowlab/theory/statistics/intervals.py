"""Confidence intervals of binomial shares and of means."""

from __future__ import annotations

import math
from collections.abc import Sequence

from scipy.stats import binomtest, t


def clopper_pearson(successes: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """The exact interval of a share, (0, 1) for no trials. Source: Clopper and Pearson (1934)."""
    if not trials:
        return 0.0, 1.0
    interval = binomtest(successes, trials).proportion_ci(confidence, method="exact")
    return float(interval.low), float(interval.high)


def over_seeds(values: Sequence[float], starts: int | None, confidence: float = 0.95) -> tuple[float, float]:
    """The interval of a mean over seeds: Student's t, and of shares at least that of all their starts together.

    values (n,); of shares, of so many `starts` each. Seeds that agree, as shares of few starts often do, have a t
    interval without width; that of the starts of all seeds (Clopper and Pearson) says what they can't have seen.
    No share is below 0 or above 1.
    """
    low, high = student(values, confidence)
    if starts is None or len(values) < 2:
        return low, high
    least, most = clopper_pearson(round(math.fsum(values) * starts), len(values) * starts, confidence)
    return max(0.0, min(low, least)), min(1.0, max(high, most))


def student(values: Sequence[float], confidence: float = 0.95) -> tuple[float, float]:
    """The t interval of the mean of independent values; a point where they do not differ, as one alone does not.

    Exact of normal values. Source: Student, Biometrika 6 (1908), 1-25.
    """
    if min(values) == max(values):
        return values[0], values[0]
    count = len(values)
    mean = math.fsum(values) / count
    deviation = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (count - 1))
    half = float(t.ppf((1 + confidence) / 2, count - 1)) * deviation / math.sqrt(count)
    return mean - half, mean + half
