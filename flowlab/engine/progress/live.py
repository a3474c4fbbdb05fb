"""A live table of the running nodes on a terminal, under one line for each node that ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from statistics import fmean
from time import monotonic
from typing import TYPE_CHECKING

from attrs import define, field

from flowlab.engine.outcome import Record
from flowlab.engine.progress.lines import format_end, format_figures, format_headline, format_resume
from flowlab.graph.node import Node

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult
    from rich.table import Table

_SETTLED = 1.0  # seconds of reports after which the speed of a node is shown


@define
class NodeProgress:
    """A running node: how far it is, and how fast it got there."""

    node: Node
    begun: float
    done: int = 0
    total: int | None = None
    figures: Mapping[str, float] = field(factory=dict)
    _first: tuple[int, float] = (0, 0.0)  # steps and time of the report that speed is measured from
    _last: float = 0.0

    def reported(self, now: float, done: int, total: int, figures: Mapping[str, float]) -> None:
        """Take a report; where it starts again, as in another stage, speed is measured anew."""
        if self.total != total or done < self.done:
            self._first = done, now
        self.done, self.total, self.figures, self._last = done, total, figures, now

    def left(self, now: float) -> float | None:
        """Seconds left by its speed until now; None while that is not known."""
        done, since = self.done - self._first[0], self._last - self._first[1]
        if self.total is None or done <= 0 or since < _SETTLED:
            return None
        return max(0.0, since / done * (self.total - self.done) - (now - self._last))


@define
class SweepStats:
    """The settings of one declared node: how many wait, and the seconds of those that ended."""

    waiting: int = 0
    computed: list[float] = field(factory=list)
    reused: list[float] = field(factory=list)

    def usual(self) -> float | None:
        """Mean seconds of a node: of those computed, else of those reused; None before any has ended."""
        ended = self.computed or self.reused
        return fmean(ended) if ended else None


@define
class LiveListener:
    """A listener, and what rich shows of it: as many rows as the terminal is high, and a line for the whole."""

    console: Console
    now: Callable[[], float] = monotonic
    _total: int = field(default=0, init=False)
    _at_work: dict[Node, NodeProgress] = field(factory=dict, init=False)
    _stats: dict[str, SweepStats] = field(factory=dict, init=False)
    _end_counts: Counter[str] = field(factory=Counter, init=False)
    _begun: float = field(default=0.0, init=False)

    def begun(self, nodes: Sequence[Node]) -> None:
        """All that is to be done; tools do no work and pass unmentioned."""
        self._begun = self.now()
        for node in nodes:
            if node.kind.built:
                self._total += 1
                self._stats.setdefault(node.declared, SweepStats()).waiting += 1

    def started(self, node: Node) -> None:
        """A row more."""
        if node.kind.built:
            self._stats[node.declared].waiting -= 1
            self._at_work[node] = NodeProgress(node, self.now())

    def progressed(self, done: int, total: int, figures: Mapping[str, float]) -> None:
        """The row that came last moves."""
        if self._at_work:
            self._at_work[next(reversed(self._at_work))].reported(self.now(), done, total, figures)

    def resumed(self, done: int, total: int) -> None:
        """What an interrupted run did says nothing of the time left."""
        self.progressed(done, total, {})
        if self._at_work:
            self._print(format_resume(next(reversed(self._at_work)).id, done, total))

    def warned(self, message: str) -> None:
        """Say it above the table."""
        self._print(f"warning: {message}")

    def finished(self, record: Record) -> None:
        """A line in place of the row, with the figures that matter."""
        if record.node.kind.built:
            self._at_work.pop(record.node, None)
            self._count(record)
        if record.node.kind.built or record.status != "done":
            figures = format_headline(record)
            self._print(format_end(record) + (f"; {figures}" if figures else ""))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The rows and the line below them."""
        from rich.text import Text

        now = self.now()
        rows = list(self._at_work.values())
        if rows:
            # a line for the whole, and one that stays free for the cursor
            yield _table(rows[: max(console.height - 2, 1)], now, options.max_width)
        if rows or self._end_counts.total() < self._total:
            yield Text(self._whole(rows, now), no_wrap=True, overflow="ellipsis")

    def _count(self, record: Record) -> None:
        stats = self._stats[record.node.declared]
        if record.finished:
            (stats.reused if record.reused else stats.computed).append(record.seconds)
        self._end_counts["reused" if record.reused else "done" if record.finished else record.status] += 1

    def _whole(self, rows: Sequence[NodeProgress], now: float) -> str:
        """How many are done, and about how long the rest takes."""
        done = self._end_counts["done"] + self._end_counts["reused"]
        counts = [
            f"{self._end_counts[end]} {end}" for end in ("reused", "failed", "skipped") if self._end_counts[end]
        ]
        text = ", ".join([f"{done} of {self._total} done", *counts, f"{len(rows)} at work"])
        left, sure = self._left(rows, now)
        return (
            text if left < _SETTLED else f"{text}; {'about' if sure else 'at least'} {format_duration(left)} left"
        )

    def _left(self, rows: Sequence[NodeProgress], now: float) -> tuple[float, bool]:
        """Seconds, and whether they cover all nodes: nothing is known of a name of which no node has ended.

        A node is taken to last as long as the other settings of it did, and as many run at once as did until now.
        """
        left, sure = 0.0, True
        for stats in list(self._stats.values()):
            usual = stats.usual()
            left += stats.waiting * (usual or 0.0)
            sure &= usual is not None or not stats.waiting
        for row in rows:
            itself, usual = row.left(now), self._stats[row.node.declared].usual()
            if itself is None and usual is not None:
                itself = max(0.0, usual - (now - row.begun))
            left += itself or 0.0
            sure &= itself is not None
        worked = sum(sum(stats.computed) for stats in list(self._stats.values()))
        together = worked / max(now - self._begun, _SETTLED)
        return left / min(max(together, 1.0), max(len(rows), 1)), sure

    def _print(self, line: str) -> None:
        self.console.print(line, markup=False, highlight=False, soft_wrap=True)


def format_duration(seconds: float) -> str:
    """1:23, or 1:02:03."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _table(rows: Sequence[NodeProgress], now: float, width: int) -> Table:
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 1))
    for _ in range(4):
        table.add_column(no_wrap=True, overflow="ellipsis")
    for row in rows:
        left = row.left(now)
        time = f"{format_duration(now - row.begun)} so far" if left is None else f"{format_duration(left)} left"
        bar = ProgressBar(total=row.total, completed=row.done, width=min(20, width // 4))
        figures = format_figures(row.figures).removeprefix(", ")
        table.add_row(Text(row.node.id), bar, Text(time), Text(figures))
    return table
