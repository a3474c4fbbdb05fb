"""A listener that prints plain lines, for logs and pipes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from time import monotonic
from typing import TextIO

from attrs import define

from flowlab.engine.outcome import Record
from flowlab.engine.progress.lines import format_end, format_figures, format_resume
from flowlab.graph.node import Node


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

    def begun(self, nodes: Sequence[Node]) -> None:
        """Count the nodes that do work."""
        self._total = sum(node.kind.built for node in nodes)

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
