"""Intervals of means over seeds, against scipy's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ttest_1samp

from flowlab.theory.statistics.intervals import clopper_pearson, over_seeds, student
from flowlab.theory.statistics.over_seeds import OverSeeds

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


@pytest.mark.parametrize(("share", "starts"), [(0.99, 20), (0.999, 200), (0.97, 20), (0.5, 50)])
def test_shares_of_few_starts_are_covered_where_seeds_agree(share, starts):
    """Five seeds of twenty starts often all see 100 %: a point would cover a share of 99 % in 61 of 100 cases."""
    rng = np.random.default_rng(0)
    tries = rng.binomial(starts, share, (400, 5)) / starts
    found = [over_seeds(row.tolist(), starts) for row in tries]
    assert sum(low <= share <= high for low, high in found) >= 0.93 * 400


@pytest.mark.parametrize(("share", "starts"), [(0.97, 20), (0.9, 40)])
def test_starts_that_all_seeds_share_are_counted_once(share, starts):
    """Five networks that agree, on the same starts: the starts are as good as those of one seed."""
    rng = np.random.default_rng(0)
    tries = [[number / starts] * 5 for number in rng.binomial(starts, share, 400)]
    once = [over_seeds(row, starts, same_starts=True) for row in tries]
    assert sum(low <= share <= high for low, high in once) >= 0.93 * 400
    assert once == [clopper_pearson(round(row[0] * starts), starts) for row in tries]
    several = [over_seeds(row, starts) for row in tries]  # wrong for such starts: too narrow
    assert sum(low <= share <= high for low, high in several) < 0.93 * 400


def test_seeds_that_all_see_everything_do_not_prove_everything():
    figures = OverSeeds(((1.0,),) * 5, (20,))
    assert figures.between(1.0, np.inf).verdict == "undecided"
    assert figures.between(0.95, np.inf).verdict == "holds"  # 100 starts of 100
    assert figures.between(0.99, np.inf).verdict == "undecided"
    assert OverSeeds(((0.0,),) * 5, (20,)).between(-np.inf, 0.0).verdict == "undecided"


def test_settings_of_one_law_are_rarely_called_different():
    """Many pairs, 5 % for all of them together."""
    rng = np.random.default_rng(1)
    tries = [OverSeeds(tuple(map(tuple, rng.normal(size=(5, 8)).tolist()))) for _ in range(200)]
    assert sum(one.alike(0.01).verdict == "fails" for one in tries) <= 0.1 * len(tries)
