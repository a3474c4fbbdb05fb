"""Shares of starts or sums in the values of analyses, and their means over seeds."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from attrs import evolve, frozen

from flowlab.api import ChangedShares, EndShares, NodeError, NodeLabel, StableShares

ClassOrSumShares = EndShares | ChangedShares | StableShares

_LEVEL = 0.95  # of intervals over seeds of what has no interval over starts


@frozen
class Share:
    """One share: the analysis that has it, the panel and line to which it belongs, and its interval over starts.

    Sums have no starts and no interval. `row` has all that the analysis says of it.
    """

    label: NodeLabel
    panel: str
    line: str
    share: float
    interval: tuple[float, float] | None
    starts: int | None
    confidence: float
    row: Mapping[str, Any]


@frozen
class MeanShare:
    """A share with its interval, if it has one: over the starts of one seed, or of the mean over several seeds."""

    share: float
    interval: tuple[float, float] | None
    seeds: int
    starts: int | None
    confidence: float
    same_starts: bool = False

    @property
    def bars(self) -> tuple[float, float]:
        """How far the interval reaches below and above the share, in percent; (0, 0) without one."""
        low, high = self.interval or (self.share, self.share)
        # rounding may put an end of the interval on the wrong side of the share
        return max(0.0, 100 * (self.share - low)), max(0.0, 100 * (high - self.share))

    @property
    def description(self) -> str:
        """What the share and its interval are, in words: over starts or over seeds, and how many."""
        level = f"{100 * self.confidence:g} % interval"
        if self.seeds > 1:
            same = f", at least that of {self.starts:,} starts, the same at each" if self.same_starts else ""
            return f"mean and {level} over {self.seeds} seeds{same}"
        if self.interval is not None:
            return f"{level} over {self.starts:,} starts, one seed"
        return "sums of one seed, without interval"


def describe_points(points: Iterable[MeanShare]) -> str:
    """What the points and bars of a figure are, in words."""
    return "points and bars: " + "; ".join(dict.fromkeys(point.description for point in points))


def read_shares(analysis: Mapping[NodeLabel, ClassOrSumShares]) -> list[Share]:
    """All shares in the values of class-fractions, class-changes and virtual-point-stability.

    A panel is a flow for the classes, and an analysis for other shares.
    """
    shares = [share for label, value in analysis.items() for share in _read_value(label, value)]
    owners: dict[str, set[str]] = {}
    for share in shares:
        owners.setdefault(share.panel, set()).add(share.label.name)
    return [
        evolve(share, panel=f"{share.label.name}: {share.panel}") if len(owners[share.panel]) > 1 else share
        for share in shares
    ]


def mean_over_seeds(shares: Sequence[Share]) -> MeanShare:
    """The share at one place: its own interval for one seed, and for several the interval of their mean.

    Raises NodeError where a seed has two shares at one place.
    """
    if len({share.label.seed for share in shares}) < len(shares):
        names = " and ".join(sorted({str(share.label) for share in shares}))
        raise NodeError(f"{names} have two shares at one place: nothing tells them apart")
    first = shares[0]
    if len(shares) == 1:
        return MeanShare(first.share, first.interval, 1, first.starts, first.confidence)
    from flowlab.theory.statistics.intervals import over_seeds

    values = [share.share for share in shares]
    starts = first.starts if len({share.starts for share in shares}) == 1 else None
    same_starts = starts is not None and any(share.row.get("same_starts", False) for share in shares)
    interval = over_seeds(values, starts, first.confidence, same_starts=same_starts)
    return MeanShare(math.fsum(values) / len(values), interval, len(values), starts, first.confidence, same_starts)


def _read_value(label: NodeLabel, value: ClassOrSumShares) -> Iterator[Share]:
    for row in value.rows:
        match value:
            case EndShares():
                yield _of_starts(label, row["flow"], row["class"], row["fraction"], row)
            case ChangedShares():
                yield _of_starts(label, label.name, f"{row['flow']} changed", row["share"], row)
            case StableShares():
                line = f"stable sums of {row['order']}"
                yield Share(label, label.name, line, row["share"], None, None, _LEVEL, row)


def _of_starts(label: NodeLabel, panel: str, line: str, share: float, row: Mapping[str, Any]) -> Share:
    interval = row["low"], row["high"]
    return Share(label, panel, line, share, interval, row["total"], row["confidence"], row)
