"""Confidence intervals of binomial shares."""

from __future__ import annotations

from scipy.stats import binomtest


def clopper_pearson(successes: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """The exact interval of a share, (0, 1) for no trials. Source: Clopper and Pearson (1934)."""
    if not trials:
        return 0.0, 1.0
    interval = binomtest(successes, trials).proportion_ci(confidence, method="exact")
    return float(interval.low), float(interval.high)
