"""Page's test for a trend over settings, with one block per seed."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
from scipy.stats import norm, rankdata

_EXACT = 8  # settings up to which all orders of a block are enumerated


def page_test(blocks: Sequence[Sequence[float]]) -> float:
    """The one-sided p-value of Page's test that k settings rise in their order, over n blocks (n, k).

    L = sum_j j R_j, where R_j is the sum over blocks of the rank of setting j, and ties share their mean rank. p
    is the share of the k!^n orders of the ranks within blocks whose L is as large or larger. It is exact up to
    eight settings; for more it is the normal approximation with the exact mean and variance. With two settings it
    is a sign test, with p of at least 2^-n. Raises ValueError for fewer than two settings. Source: Page, JASA 58
    (1963), 216-230.
    """
    ranks = rankdata(np.asarray(blocks, dtype=float), axis=1)
    count = ranks.shape[1]
    if count < 2:
        raise ValueError("a trend needs at least two settings")
    weights = np.arange(1, count + 1)
    if count > _EXACT:
        return _approximate(ranks, weights)
    probabilities = np.ones(1)  # of 2 L, from its least value on
    observed = 0
    doubled = np.rint(2 * ranks).astype(int)  # mean ranks are halves
    for block in doubled:
        orders = np.array(list(itertools.permutations(block.tolist()))) @ weights
        probabilities = np.convolve(probabilities, np.bincount(orders - orders.min()) / math.factorial(count))
        observed += int(block @ weights - orders.min())
    return min(float(probabilities[observed:].sum()), 1.0)


def _approximate(ranks: np.ndarray, weights: np.ndarray) -> float:
    centred = ranks - ranks.mean(axis=1, keepdims=True)
    spread = ((weights - weights.mean()) ** 2).sum()
    variance = spread * (centred**2).sum() / (len(weights) - 1)
    return float(norm.sf((centred @ weights).sum() / math.sqrt(variance))) if variance > 0 else 1.0
