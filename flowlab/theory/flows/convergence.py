"""The order at which errors decrease with the number of steps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

# Errors below this share of the scale of the data are rounding and have no order.
_ROUNDING = 1e-12


def empirical_order(steps: Sequence[int], errors: Sequence[float]) -> float | None:
    """The exponent p of error ~ steps^-p, by least squares in logarithms.

    None unless there are errors above rounding for two different numbers of steps. Errors are shares of the scale
    of the data.
    """
    pairs = [(n, error) for n, error in zip(steps, errors, strict=True) if error > _ROUNDING]
    if len({n for n, _ in pairs}) < 2:
        return None
    counts, sizes = np.log(np.array(pairs)).T
    return float(-np.polyfit(counts, sizes, 1)[0])
