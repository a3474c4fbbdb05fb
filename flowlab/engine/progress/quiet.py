"""A listener that prints warnings alone."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence

from flowlab.engine.outcome import Record
from flowlab.graph.node import Node


class QuietListener:
    """Shows warnings alone."""

    def begun(self, nodes: Sequence[Node]) -> None:
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
