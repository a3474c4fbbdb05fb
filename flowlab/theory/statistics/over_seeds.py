"""Figures over seeds: what they let one say of a bound, of a trend, of their differences."""

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
class Judged:
    """A verdict and what it rests on: the interval of a mean, or the p-value of a trend and the steps within it.

    Steps are numbered from one: `contrary` go significantly the other way, of the `open` zero is in the interval.
    """

    verdict: Verdict
    interval: Interval | None = None
    p: float | None = None
    contrary: tuple[int, ...] = ()
    open: tuple[int, ...] = ()


@frozen
class OverSeeds:
    """Figures (n, k): a row a seed, a column a setting. All intervals are of the mean over seeds (`over_seeds`).

    `starts` (k,) says of how many starts a figure is a share, None of other figures. Of one seed, or of seeds that
    do not differ, the interval of another figure than a share is a point, and a trend holds if it goes one way
    from end to end: a number computed again is no replication. Where one of several settings would refute, it has
    to at 5 % over all of them (Bonferroni).
    """

    rows: tuple[tuple[float, ...], ...]
    starts: tuple[int | None, ...] = ()

    @property
    def random(self) -> bool:
        """Whether the seeds differ at all."""
        return len(set(self.rows)) > 1

    @property
    def intervals(self) -> tuple[Interval, ...]:
        """The 95 % interval of each setting's mean."""
        return self._intervals(1 - LEVEL)

    def between(self, least: float, largest: float) -> Judged:
        """Whether each setting's mean is within bounds: its interval wholly inside, wholly outside, or neither."""
        strict = self._intervals(1 - LEVEL / len(self._columns))
        return _worst(_placed(*both, least, largest) for both in zip(self.intervals, strict, strict=True))

    def alike(self, apart: float) -> Judged:
        """Whether the means of any two settings are at most so far apart: intervals of paired differences."""
        pairs = [_difference(*pair) for pair in itertools.combinations(self._columns, 2)]
        level = 1 - LEVEL / len(pairs)
        return _worst(_placed(student(pair), student(pair, level), -apart, apart) for pair in pairs)

    def rising(self) -> Judged:
        """Whether the figures rise over the settings, by Page's test at 5 %.

        That they fall by the same test, or a step that falls, refutes it: at 5 % for both, half for each.
        """
        if not self.random:
            row = self.rows[0]
            return Judged("holds" if list(row) == sorted(row) and row[0] < row[-1] else "fails")
        steps = [_difference(two, one) for one, two in itertools.pairwise(self._columns)]
        strict = [student(step, 1 - LEVEL / 2 / len(steps)) for step in steps]
        contrary = tuple(k for k, (_, high) in enumerate(strict, 1) if high < 0)
        unsure = tuple(k for k, (low, high) in enumerate(map(student, steps), 1) if low <= 0 <= high)
        up, down = page_test(self.rows), page_test([row[::-1] for row in self.rows])
        verdict: Verdict = "undecided"
        if contrary or down <= LEVEL / 2:
            verdict = "fails"
        elif up <= LEVEL:
            verdict = "holds"
        return Judged(verdict, p=up, contrary=contrary, open=unsure)

    def falling(self) -> Judged:
        """Whether they fall: the negatives rise."""
        return OverSeeds(tuple(tuple(-figure for figure in row) for row in self.rows)).rising()

    @property
    def means(self) -> tuple[float, ...]:
        """The mean of each setting; where its figures are equal, they themselves."""
        return tuple(each[0] if min(each) == max(each) else math.fsum(each) / len(each) for each in self._columns)

    def _intervals(self, confidence: float) -> tuple[Interval, ...]:
        starts = self.starts or (None,) * len(self._columns)
        return tuple(over_seeds(column, n, confidence) for column, n in zip(self._columns, starts, strict=True))

    @property
    def _columns(self) -> tuple[tuple[float, ...], ...]:
        return tuple(zip(*self.rows, strict=True))


def together(verdicts: Iterable[Verdict]) -> Verdict:
    """What holds if all hold, and fails if one does."""
    found = set(verdicts)
    return "fails" if "fails" in found else "undecided" if "undecided" in found else "holds"


def _placed(interval: Interval, strict: Interval, least: float, largest: float) -> Judged:
    """Inside by the interval, outside by the wider one, or neither."""
    if least <= interval[0] and interval[1] <= largest:
        return Judged("holds", interval)
    return Judged("fails" if strict[1] < least or strict[0] > largest else "undecided", interval)


def _worst(judged: Iterable[Judged]) -> Judged:
    """The first that fails, else the first that is undecided, else the first."""
    found = list(judged)
    verdict = together(one.verdict for one in found)
    return next(one for one in found if one.verdict == verdict)


def _difference(one: Sequence[float], two: Sequence[float]) -> list[float]:
    return [a - b for a, b in zip(one, two, strict=True)]
