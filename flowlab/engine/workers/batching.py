"""Batches of nodes: sending each node by itself would take longer than computing it."""

from __future__ import annotations

from collections import deque
from collections.abc import Container

from attrs import define, field

from flowlab.engine.outcome import Record
from flowlab.graph.node import Node

MAX_BATCH = 64
_BATCH_SECONDS = 0.2  # as long may other processes be idle at the end, and as much is lost with a batch
_OVERHEAD = 0.002  # seconds that a node costs besides its computation


@define
class BatchSizer:
    """Chooses the size of batches by how long the settings of a node took so far."""

    _usual: dict[str, float] = field(factory=dict, init=False)  # seconds, by declared node

    def observe(self, record: Record) -> None:
        """Take note of how long a node took; after a failure nothing is known of its kind."""
        if record.finished:
            self._usual[record.node.declared] = record.seconds
        else:
            self._usual.pop(record.node.declared, None)

    def batch(self, pending: deque[Node], share: int, single: Container[str]) -> list[Node]:
        """Take the next node from the left, and with it other settings of it: at most `share`, of 0.2 s in all.

        A node of which no setting has finished yet goes by itself, and so does one that is named in `single`.
        """
        first = pending.popleft()
        usual = self._usual.get(first.declared)
        batch = [first]
        if usual is None or first.id in single:
            return batch
        most = min(share, MAX_BATCH, int(_BATCH_SECONDS / (usual + _OVERHEAD)))
        while len(batch) < most and pending:
            if pending[0].declared != first.declared or pending[0].id in single:
                break
            batch.append(pending.popleft())
        return batch
