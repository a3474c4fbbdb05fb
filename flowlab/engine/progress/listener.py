"""What a listener is: it gets the events of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from flowlab.engine.outcome import Record
from flowlab.graph.node import Node


class Listener(Protocol):
    """Gets each node's start, progress and end, and warnings.

    Nodes in other processes start and end in any order, and report no progress. A node in this process is always
    the one that started last.
    """

    def begun(self, nodes: Sequence[Node]) -> None:
        """A run of these nodes begins."""

    def started(self, node: Node) -> None:
        """A node begins."""

    def progressed(self, done: int, total: int, figures: Mapping[str, float]) -> None:
        """The node that started last reports how far it is."""

    def resumed(self, done: int, total: int) -> None:
        """The node that started last goes on from a step of an interrupted run."""

    def warned(self, message: str) -> None:
        """Something is not as it should be."""

    def finished(self, record: Record) -> None:
        """A node ends."""
