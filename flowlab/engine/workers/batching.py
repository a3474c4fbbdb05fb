"""Nodes that one process does one after the other, where handing over each would take longer than its work."""

from __future__ import annotations

from collections import deque
from collections.abc import Container

from attrs import define, field

from flowlab.engine.outcome import Record
from flowlab.graph.node import Node

MAX_BATCH = 64
_SECONDS = 0.2  # of a batch: as long may another process be idle at the end, and as much is lost with one
_APIECE = 0.002  # seconds that a node costs besides its work


@define
class BatchSizer:
    """How long the settings of a node took so far in other processes."""

    _usual: dict[str, float] = field(factory=dict, init=False)  # seconds, by declared node

    def observe(self, record: Record) -> None:
        """Learn from one that ended; from a failure, that nothing is known."""
        if record.finished:
            self._usual[record.node.declared] = record.seconds
        else:
            self._usual.pop(record.node.declared, None)

    def batch(self, pending: deque[Node], share: int, single: Container[str]) -> list[Node]:
        """Take the next from the left, and with it other settings of it, at most `share` and in all `_SECONDS`.

        What never ended before goes by itself, and so does what is named in `single`.
        """
        first = pending.popleft()
        usual = self._usual.get(first.declared)
        batch = [first]
        if usual is None or first.id in single:
            return batch
        most = min(share, MAX_BATCH, int(_SECONDS / (usual + _APIECE)))
        while len(batch) < most and pending:
            if pending[0].declared != first.declared or pending[0].id in single:
                break
            batch.append(pending.popleft())
        return batch
