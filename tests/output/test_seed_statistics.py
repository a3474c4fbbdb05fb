"""Numbers over seeds: against scipy and statistics, which share no code with them."""

from __future__ import annotations

import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from flowlab.output.seed_statistics import SeedStatistics

NUMBERS = st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=8)


@given(NUMBERS)
def test_mean_spread_and_interval(values: list[float]) -> None:
    own = SeedStatistics(tuple(values))
    assert own.mean == pytest.approx(np.mean(values), abs=1e-6)
    assert own.deviation == pytest.approx(statistics.stdev(values), rel=1e-6, abs=1e-6)
    if own.deviation > 1e-3:
        low, high = stats.ttest_1samp(values, 0).confidence_interval(0.95)
        assert own.interval == pytest.approx((low, high), rel=1e-6, abs=1e-6)


@pytest.mark.parametrize(
    ("values", "starts", "text"),
    [
        ((0.788, 0.792, 0.388), 500, "65.6 ± 23.2 [7.9, 100.0]"),
        ((0.5,), 4, "50.0 [6.8, 93.2]"),
        ((0.0, 0.0, 0.0), 30, "0.0 ± 0.0 [0.0, 4.0]"),  # Clopper and Pearson: 1 - 0.025^(1 / 90)
        ((0.0,), 0, "-"),
        ((0.25,), None, "0.25"),
        ((0.25, 0.25), None, "0.25 ± 0"),
        ((1.0, 2.0, 3.0), None, "2 ± 1 [-0.484, 4.48]"),
    ],
)
def test_as_text(values: tuple[float, ...], starts: int | None, text: str) -> None:
    assert str(SeedStatistics(values, starts)) == text


def test_one_seed_has_no_spread_and_no_interval_of_a_mean() -> None:
    alone = SeedStatistics((3.0,))
    assert (alone.deviation, alone.interval) == (None, None)


def test_no_values_are_refused() -> None:
    with pytest.raises(ValueError, match="no values"):
        SeedStatistics(())
