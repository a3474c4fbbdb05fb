"""What a listener is: it is told how a run goes on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from flowlab.engine.outcome import Record
from flowlab.graph.node import Node


class Listener(Protocol):
    """Is told of each node's start, progress and end, and of what went wrong without stopping it.

    Nodes that other processes work at begin and end as it comes, and don't report. What works in this process
    began last.
    """

    def begun(self, nodes: Sequence[Node]) -> None:
        """A run of these nodes begins."""

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
