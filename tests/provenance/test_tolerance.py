"""When two values of a metric agree."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowlab.provenance.tolerance import tolerance_excess

NUMBERS = st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False)


@given(NUMBERS, NUMBERS)
def test_it_does_not_matter_which_was_first(one: Any, other: Any) -> None:
    assert tolerance_excess(one, other) == tolerance_excess(other, one)


@given(NUMBERS | st.text() | st.booleans() | st.none())
def test_the_same_agrees(value: Any) -> None:
    assert tolerance_excess(value, value) == 0


@pytest.mark.parametrize(
    ("former", "current", "agree"),
    [
        (0.036, 0.038, True),  # one endpoint of 500
        (0.036, 0.044, False),  # four of them
        (13, 12, True),
        (13, 11, False),
        (446, 441, True),
        (446, 440, False),
        (0.13251586354264325, 0.133732675523863, True),  # a norm after 20,000 steps on other kernels
        (5.9, 5.8, False),
    ],
)
def test_by_how_much_numbers_may_differ(former: Any, current: Any, agree: bool) -> None:
    assert (tolerance_excess(former, current) <= 1) is agree


@pytest.mark.parametrize(("former", "current"), [(True, 1), (True, False), (None, 0.0), ("a", "b"), ("1", 1)])
def test_all_else_is_the_same_or_not(former: Any, current: Any) -> None:
    assert tolerance_excess(former, current) == math.inf
