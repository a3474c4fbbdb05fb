"""Shares of a sample and how sure they are."""

from __future__ import annotations


def share(count: int, total: int) -> str:
    """A share in percent with its 95 % Clopper-Pearson interval; a dash where there is no sample."""
    from flowlab.theory.intervals import clopper_pearson

    if total == 0:
        return "-"
    low, high = clopper_pearson(count, total)
    return f"{100 * count / total:.1f} [{100 * low:.1f}, {100 * high:.1f}]"
