"""Numbers over seeds: whether they keep a bound, differ, or follow a trend."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from typing import Literal

from attrs import frozen

from flowlab.theory.statistics.intervals import over_seeds, student
from flowlab.theory.statistics.page_test import page_test

Verdict = Literal["holds", "fails", "undecided"]
LEVEL = 0.05
Interval = tuple[float, float]


@frozen
class Judgement:
    """A verdict with its reason: the interval of a mean, or the p-value of a trend and its steps.

    Steps are numbered from one. The `contrary` steps go significantly the other way; the interval of an `open`
    step contains zero.
    """

    verdict: Verdict
    interval: Interval | None = None
    p: float | None = None
    contrary: tuple[int, ...] = ()
    open: tuple[int, ...] = ()


@frozen
class OverSeeds:
    """Numbers (n, k) with one row per seed and one column per setting of a sweep.

    All intervals are of the mean over seeds (`over_seeds`). `starts` (k,) is the number of starts of which a
    number is a share, None for other numbers; where `same_starts` (k,) is true they are the same at all seeds, and
    count once. With one seed, or with seeds that do not differ, the interval of a
    number that is no share is a point, and a trend holds if the numbers go one way from end to end: a number that
    is computed again is no replication. Where any of several settings can refute a claim, each is tested at 5 %
    divided by their number (Bonferroni).
    """

    rows: tuple[tuple[float, ...], ...]
    starts: tuple[int | None, ...] = ()
    same_starts: tuple[bool, ...] = ()

    @property
    def random(self) -> bool:
        """Whether any two seeds differ."""
        return len(set(self.rows)) > 1

    @property
    def intervals(self) -> tuple[Interval, ...]:
        """The 95 % interval of the mean of each setting."""
        return self._intervals(1 - LEVEL)

    def between(self, least: float, largest: float) -> Judgement:
        """Whether the mean of each setting is within bounds.

        It holds if every interval is wholly inside, fails if one is wholly outside, and is undecided otherwise.
        """
        strict = self._intervals(1 - LEVEL / len(self._columns))
        return _worst(_judge_interval(*both, least, largest) for both in zip(self.intervals, strict, strict=True))

    def alike(self, distance: float) -> Judgement:
        """Whether the means of any two settings differ by at most a distance, by their paired differences."""
        pairs = [_difference(*pair) for pair in itertools.combinations(self._columns, 2)]
        level = 1 - LEVEL / len(pairs)
        return _worst(_judge_interval(student(pair), student(pair, level), -distance, distance) for pair in pairs)

    def rising(self) -> Judgement:
        """Whether the numbers rise over the settings, by Page's test at 5 %.

        It fails if they fall by the same test, or if a step falls significantly: at 2.5 % for each of the two.
        """
        if not self.random:
            row = self.rows[0]
            return Judgement("holds" if list(row) == sorted(row) and row[0] < row[-1] else "fails")
        steps = [_difference(after, before) for before, after in itertools.pairwise(self._columns)]
        strict = [student(step, 1 - LEVEL / 2 / len(steps)) for step in steps]
        contrary = tuple(k for k, (_, high) in enumerate(strict, 1) if high < 0)
        unsure = tuple(k for k, (low, high) in enumerate(map(student, steps), 1) if low <= 0 <= high)
        up, down = page_test(self.rows), page_test([row[::-1] for row in self.rows])
        verdict: Verdict = "undecided"
        if contrary or down <= LEVEL / 2:
            verdict = "fails"
        elif up <= LEVEL:
            verdict = "holds"
        return Judgement(verdict, p=up, contrary=contrary, open=unsure)

    def falling(self) -> Judgement:
        """Whether the numbers fall over the settings, that is, whether their negatives rise."""
        return OverSeeds(tuple(tuple(-figure for figure in row) for row in self.rows)).rising()

    @property
    def means(self) -> tuple[float, ...]:
        """The mean of each setting, without rounding where all its numbers are equal."""
        return tuple(
            column[0] if min(column) == max(column) else math.fsum(column) / len(column)
            for column in self._columns
        )

    def _intervals(self, confidence: float) -> tuple[Interval, ...]:
        starts = self.starts or (None,) * len(self._columns)
        same = self.same_starts or (False,) * len(self._columns)
        return tuple(
            over_seeds(column, count, confidence, same_starts=shared)
            for column, count, shared in zip(self._columns, starts, same, strict=True)
        )

    @property
    def _columns(self) -> tuple[tuple[float, ...], ...]:
        return tuple(zip(*self.rows, strict=True))


def combine_verdicts(verdicts: Iterable[Verdict]) -> Verdict:
    """The verdict of several together: it holds if all hold, and fails if any fails."""
    different = set(verdicts)
    return "fails" if "fails" in different else "undecided" if "undecided" in different else "holds"


def _judge_interval(interval: Interval, strict: Interval, least: float, largest: float) -> Judgement:
    """It holds if the interval is inside the bounds, and fails if the stricter, wider interval is outside."""
    if least <= interval[0] and interval[1] <= largest:
        return Judgement("holds", interval)
    return Judgement("fails" if strict[1] < least or strict[0] > largest else "undecided", interval)


def _worst(judgements: Iterable[Judgement]) -> Judgement:
    """The first that fails, else the first that is undecided, else the first."""
    candidates = list(judgements)
    verdict = combine_verdicts(judgement.verdict for judgement in candidates)
    return next(judgement for judgement in candidates if judgement.verdict == verdict)


def _difference(left: Sequence[float], right: Sequence[float]) -> list[float]:
    return [a - b for a, b in zip(left, right, strict=True)]
