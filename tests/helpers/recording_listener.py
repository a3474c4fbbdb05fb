"""A listener that remembers the events of a run, and can interrupt it."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import define, field

from flowlab.engine.outcome import Record
from flowlab.engine.progress.quiet import QuietListener
from flowlab.graph.node import Node


@define
class RecordingListener(QuietListener):
    """Remembers which nodes started and ended, what was resumed, and warnings; interrupts at a reported step."""

    interrupt_at: int | None = None
    started_nodes: list[str] = field(factory=list)
    finished_nodes: list[str] = field(factory=list)
    resumes: list[tuple[int, int]] = field(factory=list)
    warnings: list[str] = field(factory=list)

    def started(self, node: Node) -> None:
        self.started_nodes.append(node.id)

    def progressed(self, done: int, total: int, figures: Mapping[str, float]) -> None:
        if self.interrupt_at is not None and done >= self.interrupt_at:
            raise KeyboardInterrupt

    def resumed(self, done: int, total: int) -> None:
        self.resumes.append((done, total))

    def warned(self, message: str) -> None:
        self.warnings.append(message)

    def finished(self, record: Record) -> None:
        self.finished_nodes.append(record.node.id)
