"""The largest number of a metric that has one a noise level."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any


def largest_number(metric: Any) -> float | None:
    """The largest finite number of a metric that is a number or lists of them; None where there is none."""
    return max(_flat_numbers(metric), default=None)


def _flat_numbers(metric: Any) -> Iterator[float]:
    if isinstance(metric, list | tuple):
        for item in metric:
            yield from _flat_numbers(item)
    elif isinstance(metric, int | float) and math.isfinite(metric):
        yield metric
