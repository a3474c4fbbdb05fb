"""Intervals of means over seeds, against scipy's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ttest_1samp

from flowlab.theory.intervals import student
from flowlab.theory.over_seeds import OverSeeds

values = st.lists(st.floats(-10, 10), min_size=2, max_size=8).filter(lambda some: np.ptp(some) > 1e-3)


@given(values, st.floats(0.5, 0.999))
def test_the_interval_of_a_mean_is_that_of_the_t_test(some, confidence):
    expected = ttest_1samp(some, 0).confidence_interval(confidence)
    assert student(some, confidence) == pytest.approx((expected.low, expected.high), rel=1e-9, abs=1e-9)


@given(st.floats(-10, 10), st.integers(1, 5))
def test_equal_values_have_a_point_for_an_interval(value, count):
    assert student([value] * count) == (value, value)


def test_it_covers_the_mean_as_often_as_it_says():
    draws = np.random.default_rng(0).normal(size=(4000, 5))
    ends = [student(row.tolist()) for row in draws]
    assert np.mean([low <= 0 <= high for low, high in ends]) == pytest.approx(0.95, abs=0.01)


def test_noise_holds_in_one_trend_of_twenty_at_most():
    draws = np.random.default_rng(1).normal(size=(1000, 5, 4))
    verdicts = [OverSeeds(tuple(map(tuple, rows.tolist()))).rising().verdict for rows in draws]
    assert verdicts.count("holds") / len(verdicts) < 0.065  # 0.05 and two standard errors
