"""Page's test: whether figures rise over settings, each seed a block."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
from scipy.stats import norm, rankdata

_EXACT = 8  # settings, up to which all orders of a block are gone through


def page_test(blocks: Sequence[Sequence[float]]) -> float:
    """The one-sided p-value that the figures of k settings rise in their order, over blocks (n, k).

    L = sum_j j R_j, R_j the sum over blocks of the ranks of setting j, ties sharing their mean rank; p is the
    share of the k!^n orders of the ranks within blocks whose L is as large. Exact up to eight settings, above by
    the normal approximation with the exact mean and variance. Two settings make it a sign test: 2^-n at the least.
    Raises ValueError for fewer than two settings. Source: Page, JASA 58 (1963), 216-230.
    """
    ranks = rankdata(np.asarray(blocks, dtype=float), axis=1)
    count = ranks.shape[1]
    if count < 2:
        raise ValueError("a trend takes two settings")
    weights = np.arange(1, count + 1)
    if count > _EXACT:
        return _approximate(ranks, weights)
    found = 1.0 * np.ones(1)  # probabilities of 2 L, from its least value on
    reached = 0
    doubled = np.rint(2 * ranks).astype(int)  # mean ranks are halves
    for block in doubled:
        orders = np.array(list(itertools.permutations(block.tolist()))) @ weights
        found = np.convolve(found, np.bincount(orders - orders.min()) / math.factorial(count))
        reached += int(block @ weights - orders.min())
    return min(float(found[reached:].sum()), 1.0)


def _approximate(ranks: np.ndarray, weights: np.ndarray) -> float:
    off = ranks - ranks.mean(axis=1, keepdims=True)
    spread = ((weights - weights.mean()) ** 2).sum()
    variance = spread * (off**2).sum() / (len(weights) - 1)
    return float(norm.sf((off @ weights).sum() / math.sqrt(variance))) if variance > 0 else 1.0
