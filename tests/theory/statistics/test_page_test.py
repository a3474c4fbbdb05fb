"""Page's test against an enumeration of all orders, and against scipy's where nothing is tied."""

import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import page_trend_test

from flowlab.theory.statistics.page_test import page_test


def by_hand(blocks):
    """The share of all orders of the values within blocks whose L is as large, without convolution."""

    def ranked(row):
        return [Fraction(sum(a < b for a in row) + sum(a <= b for a in row) + 1, 2) for b in row]

    def page(rows):
        return sum(j * rank for row in rows for j, rank in enumerate(row, 1))

    rows = [ranked(row) for row in blocks]
    found = page(rows)
    orders = list(itertools.product(*(itertools.permutations(row) for row in rows)))
    return float(Fraction(sum(page(order) >= found for order in orders), len(orders)))


blocks = st.tuples(st.integers(1, 3), st.integers(2, 4)).flatmap(
    lambda size: st.lists(
        st.lists(st.integers(0, 3), min_size=size[1], max_size=size[1]), min_size=size[0], max_size=size[0]
    )
)


@pytest.mark.slow
@settings(deadline=None)
@given(blocks)
def test_it_is_the_share_of_orders_that_rise_as_much(rows):
    assert page_test(rows) == pytest.approx(by_hand(rows), rel=1e-12)


@pytest.mark.parametrize("shape", [(2, 3), (5, 3), (5, 4), (5, 7)])
def test_without_ties_it_is_scipys_exact_one(shape):
    for seed in range(5):
        data = np.random.default_rng(seed).normal(size=shape) + np.arange(shape[1]) / 3
        assert page_test(data) == pytest.approx(page_trend_test(data, method="exact").pvalue, rel=1e-9)


def test_two_settings_are_a_sign_test():
    rows = [[0, 1]] * 4 + [[1, 0]]
    assert page_test([[0, 1]] * 5) == pytest.approx(2**-5)
    assert page_test(rows) == pytest.approx((1 + 5) / 32)


def test_many_settings_are_approximated_with_the_exact_moments():
    data = np.random.default_rng(0).normal(size=(5, 12)) + np.arange(12) / 12
    asymptotic = page_trend_test(data, method="asymptotic").pvalue
    assert page_test(data) == pytest.approx(asymptotic, rel=1e-9)
    assert page_test(np.zeros((5, 12))) == 1.0
    tied = np.tile(np.repeat(np.arange(6), 2), (3, 1))
    assert page_test(tied) < 1e-6 < 0.5 < page_test(tied[:, ::-1])


def test_one_setting_has_no_trend():
    with pytest.raises(ValueError, match="two settings"):
        page_test([[1.0], [2.0]])
