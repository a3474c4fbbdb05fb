"""The results of a node's ancestors, loaded from the store."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from attrs import define, field

from flowlab.api import NodeError
from flowlab.engine.inputs import gather_inputs
from flowlab.engine.node_runner import NodeRunner
from flowlab.engine.outcome import Record
from flowlab.graph.node import Node

_HELD = 16  # results in memory: the next node often has the same inputs


@define
class CachedUpstream:
    """Results of other processes: from the store, or built again where a value can't be stored."""

    runner: NodeRunner
    _held: OrderedDict[Node, Record] = field(factory=OrderedDict, init=False)

    def value(self, node: Node) -> Any:
        """What others receive of the node. Raises NodeError where it can't be built."""
        return self._record(node).value if node.kind.built else node.component

    def metrics(self, node: Node) -> Mapping[str, Any]:
        """The node's metrics."""
        if not node.kind.built:
            return {}
        record = self._held.get(node) or self.runner.load_cached(node) or self._record(node)
        return record.metrics

    def _record(self, node: Node) -> Record:
        record = self._held.pop(node, None) or self.runner.run(node, gather_inputs(node, self))
        if not record.finished:
            raise NodeError(f"needs {node.id}: {record.message}")
        self._held[node] = record
        while len(self._held) > _HELD:
            self._held.popitem(last=False)
        return record
