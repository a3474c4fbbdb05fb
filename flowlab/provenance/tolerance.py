"""When two values of a metric agree: how far machines and versions may move it."""

from __future__ import annotations

import math
from typing import TypeGuard

from flowlab.api.result import Cell

RELATIVE = 0.01
LEAST = 0.002  # of a number with decimals: one endpoint of 500, as a share
COUNT = 1  # of an integer


def tolerance_excess(former: Cell, current: Cell) -> float:
    """The distance of two values in multiples of what is allowed: they agree at 1 and below.

    Allowed is 1 % of the larger and, besides, 1 for integers and 0.002 for other numbers; anything else must be
    the same. The reason: another last bit (threads, kernels, versions) grows through a training. Measured with
    portable in place of vector kernels, 20,000 steps move the norm of a skip connection by 0.9 %, costs by
    0.002 %, the neurons alive by one of 24, and violations, which end near rounding, by 7e-6; no endpoint of 2,000
    changes its class, but one near a threshold may. Whether a violation is small enough is seen from the status.
    """
    if not (_number(former) and _number(current)):
        same = type(former) is type(current) and former == current
        return 0.0 if same else math.inf
    least = COUNT if isinstance(former, int) and isinstance(current, int) else LEAST
    return abs(former - current) / (least + RELATIVE * max(abs(former), abs(current)))


def _number(value: Cell) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
