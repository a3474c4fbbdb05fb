"""Shares of a sample and how sure they are."""

from __future__ import annotations


def interval(count: int, total: int, confidence: float = 0.95) -> tuple[float, float]:
    """The Clopper-Pearson interval of a binomial proportion: exact, never too narrow."""
    if total == 0:
        return 0.0, 1.0
    from scipy.special import betaincinv

    tail = (1 - confidence) / 2
    low = float(betaincinv(count, total - count + 1, tail)) if count else 0.0
    high = float(betaincinv(count + 1, total - count, 1 - tail)) if count < total else 1.0
    return low, high


def share(count: int, total: int) -> str:
    """A share in percent with its 95 % interval."""
    if total == 0:
        return "-"
    low, high = interval(count, total)
    return f"{100 * count / total:.1f} [{100 * low:.1f}, {100 * high:.1f}]"
