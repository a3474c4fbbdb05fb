"""Who hears how work goes on: hardly anybody, a log of plain lines, or a table on a terminal. All on stderr."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from time import monotonic
from typing import Protocol, TextIO

from attrs import define

from flowlab.engine.outcome import Record
from flowlab.graph.node import Node


class Listener(Protocol):
    """Is told of each node's start, progress and end, and of what went wrong without stopping it.

    Nodes that other processes work at begin and end as it comes, and don't report. What works in this process
    began last.
    """

    def begun(self, nodes: Sequence[Node], ahead: Callable[[], str]) -> None:
        """A run of these nodes begins; `ahead` has a line on how long it takes, where that is worth one."""

    def started(self, node: Node) -> None:
        """A node begins."""

    def progressed(self, done: int, total: int, figures: Mapping[str, float]) -> None:
        """The node that began last reports."""

    def resumed(self, done: int, total: int) -> None:
        """The node that began last goes on from a step of an interrupted run."""

    def warned(self, message: str) -> None:
        """Something is not as it should be."""

    def finished(self, record: Record) -> None:
        """A node ends."""


class QuietListener:
    """Shows warnings alone."""

    def begun(self, nodes: Sequence[Node], ahead: Callable[[], str]) -> None:
        """Say nothing."""

    def started(self, node: Node) -> None:
        """Say nothing."""

    def progressed(self, done: int, total: int, figures: Mapping[str, float]) -> None:
        """Say nothing."""

    def resumed(self, done: int, total: int) -> None:
        """Say nothing."""

    def warned(self, message: str) -> None:
        """Say it."""
        print(f"warning: {message}", file=sys.stderr, flush=True)

    def finished(self, record: Record) -> None:
        """Say nothing."""


@define
class LogListener:
    """One line when a node starts and ends, and one at most every `every` seconds between."""

    stream: TextIO
    every: float = 10.0
    _name: str = ""
    _index: int = 0
    _total: int = 0
    _start: float = 0.0
    _last: float = 0.0
    _begun: int = 0

    def begun(self, nodes: Sequence[Node], ahead: Callable[[], str]) -> None:
        """Say what is ahead."""
        self._total = sum(node.kind.built for node in nodes)
        if line := ahead():
            self._say(line)

    def started(self, node: Node) -> None:
        """Say which node begins; tools do no work and pass unmentioned."""
        self._name, self._begun = node.id, 0
        self._start = self._last = monotonic()
        if node.kind.built:
            self._index += 1
            self._say(f"[{self._index}/{self._total}] {node.id} ({node.use})")

    def progressed(self, done: int, total: int, figures: Mapping[str, float]) -> None:
        """Say how far, and about how long it still takes."""
        now = monotonic()
        if now - self._last < self.every:
            return
        self._last = now
        left = (now - self._start) / max(done - self._begun, 1) * max(total - done, 0)
        self._say(f"  {self._name}: {done}/{total}, about {left:.0f} s left{format_figures(figures)}")

    def resumed(self, done: int, total: int) -> None:
        """Say from where, and time what is left from there."""
        self._begun, self._start = done, monotonic()
        self._say(f"  {format_resume(self._name, done, total)}")

    def warned(self, message: str) -> None:
        """Say it."""
        self._say(f"  warning: {message}")

    def finished(self, record: Record) -> None:
        """Say how it ended."""
        if record.node.kind.built or record.status != "done":
            self._say(f"  {format_end(record)}")

    def _say(self, line: str) -> None:
        print(line, file=self.stream, flush=True)


@contextmanager
def open_listener(quiet: bool) -> Iterator[Listener]:
    """The listener that suits stderr."""
    if quiet:
        yield QuietListener()
    elif sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
        from rich import live
        from rich.console import Console

        from flowlab.engine.progress.live import LiveListener

        console = Console(stderr=True)
        table = LiveListener(console)
        with live.Live(table, console=console, transient=True, redirect_stdout=False):
            yield table
    else:
        yield LogListener(sys.stderr)


def format_resume(name: str, done: int, total: int) -> str:
    """A node that goes on where an interrupted run left it, in one line."""
    return f"{name} resumes from step {done} of {total}"


def format_end(record: Record) -> str:
    """A finished node in one line."""
    reason = record.message or (record.result and record.result.shortfall) or ""
    timing = "" if record.status == "skipped" else f" in {record.seconds:.1f} s"
    origin = ", reused," if record.reused else ""
    return f"{record.node.id}: {record.status}{origin}{timing}" + (f": {reason}" if reason else "")


def format_figures(figures: Mapping[str, float]) -> str:
    """Figures of progress, each led by a comma."""
    return "".join(f", {name} {value:.3g}" for name, value in figures.items())
