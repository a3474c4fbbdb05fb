"""One node's work in this process: its result from the store, or built and kept there."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from time import perf_counter
from typing import TYPE_CHECKING, Any

from attrs import frozen

from flowlab.api import Context, FlowlabError, NodeError, Result
from flowlab.api.checkpoint import Nowhere
from flowlab.engine.cache.cache import Recall
from flowlab.engine.cache.key import Keys
from flowlab.engine.cache.serialization import Encoded, Unstorable, encode
from flowlab.engine.cache.store import Store
from flowlab.engine.checkpoints import Checkpoints
from flowlab.engine.format_error import one_line
from flowlab.engine.outcome import Record, status_of
from flowlab.engine.progress.listener import Listener
from flowlab.engine.threads import threads
from flowlab.graph.graph import Graph
from flowlab.graph.node import Node

if TYPE_CHECKING:
    import torch


@frozen
class Builder:
    """Builds the nodes of an experiment."""

    graph: Graph
    device: torch.device
    keys: Keys
    listener: Listener
    checkpoints: Checkpoints | None = None
    recall: Recall | None = None

    @classmethod
    def of(
        cls,
        graph: Graph,
        device: torch.device,
        listener: Listener,
        checkpoints: Checkpoints | None = None,
        store: Store | None = None,
        *,
        all_kept: bool = False,
    ) -> Builder:
        """A builder with these at hand; without a store and checkpoints it writes nothing.

        `all_kept`: the store takes every result, so that other processes find it.
        """
        keys = Keys(graph.seed, graph.dtype, device.type, threads(graph))
        recall = None if store is None else Recall(store, keys, device, listener, all_kept)
        return cls(graph, device, keys, listener, checkpoints, recall)

    def stored(self, node: Node) -> Record | None:
        """What the store has of a node, without a value that takes the node's inputs to be had."""
        return None if self.recall is None else self.recall.alone(node)

    def record(self, node: Node, given: Mapping[str, Any]) -> Record:
        """A node's record: with its value, whoever computed it."""
        if self.recall is None:
            record, _ = self._built(node, given)
        else:
            record = self.recall.record(node, given, lambda: self._built(node, given))
        if self.checkpoints is not None and record.finished:  # only now: what is lost before goes on from there
            self.checkpoints.clear(node)
        return record

    def _built(self, node: Node, given: Mapping[str, Any]) -> tuple[Record, Encoded | None]:
        """One node's record, whatever its component does, and its result as it is kept."""
        context = self._context(node)
        start = perf_counter()
        try:
            result = node.component.build(context, **given)
            if not isinstance(result, Result):
                raise NodeError(f"{node.use}: build returned {type(result).__name__}, not Result")
        except FlowlabError as error:
            return Record(node, "failed", message=str(error), seconds=perf_counter() - start), None
        except Exception as error:
            # A defect of the component: its neighbours go on, its author gets the traceback on request.
            seconds = perf_counter() - start
            return Record(node, "failed", None, one_line(error), seconds, trace=traceback.format_exc()), None
        seconds = perf_counter() - start
        try:
            encoded = encode(result, given)
        except Unstorable:
            return Record(node, status_of(result), result, seconds=seconds), None
        return Record(node, status_of(result), result, seconds=seconds, digest=encoded.digest), encoded

    def _context(self, node: Node) -> Context:
        import torch

        keeping = self.checkpoints
        return Context(
            seed=self.graph.seed if node.seed is None else node.seed,
            node=node.name,
            dtype=getattr(torch, self.graph.dtype),
            device=self.device,
            progress=self.listener.progressed,
            checkpoint=Nowhere() if keeping is None else keeping.of(node, self.keys, self.listener),
        )
