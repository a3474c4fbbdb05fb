"""One node's work in this process: its result from the store, or built and kept there."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from time import perf_counter
from typing import TYPE_CHECKING, Any

from attrs import frozen

from flowlab.api import Context, FlowlabError, NodeError, Result
from flowlab.api.checkpoint import NullCheckpoint
from flowlab.engine.cache.cache import ResultCache
from flowlab.engine.cache.key import CacheKeys
from flowlab.engine.cache.serialization import SerializationError, SerializedResult, serialize
from flowlab.engine.cache.storable_classes import StorableClasses
from flowlab.engine.cache.store import Store
from flowlab.engine.checkpoints import Checkpoints
from flowlab.engine.format_error import format_error
from flowlab.engine.outcome import Record, status_of
from flowlab.engine.progress.listener import Listener
from flowlab.engine.threads import thread_count
from flowlab.graph.graph import Graph
from flowlab.graph.node import Node

if TYPE_CHECKING:
    import torch


@frozen
class NodeRunner:
    """Builds the nodes of an experiment."""

    graph: Graph
    device: torch.device
    keys: CacheKeys
    listener: Listener
    checkpoints: Checkpoints | None = None
    cache: ResultCache | None = None

    @classmethod
    def of(
        cls,
        graph: Graph,
        device: torch.device,
        listener: Listener,
        checkpoints: Checkpoints | None = None,
        store: Store | None = None,
        *,
        keep_all: bool = False,
    ) -> NodeRunner:
        """A builder with these at hand; without a store and checkpoints it writes nothing.

        `all_kept`: the store takes every result, so that other processes find it.
        """
        keys = CacheKeys(graph.seed, graph.dtype, device.type, thread_count(graph))
        cache = None if store is None else ResultCache(store, keys, device, listener, keep_all)
        return cls(graph, device, keys, listener, checkpoints, cache)

    def load_cached(self, node: Node) -> Record | None:
        """What the store has of a node, without a value that takes the node's inputs to be had."""
        return None if self.cache is None else self.cache.load_without_inputs(node)

    def run(self, node: Node, given: Mapping[str, Any]) -> Record:
        """A node's record: with its value, whoever computed it."""
        if self.cache is None:
            record, _ = self._build(node, given)
        else:
            record = self.cache.get_or_compute(node, given, lambda: self._build(node, given))
        if self.checkpoints is not None and record.finished:  # only now: what is lost before goes on from there
            self.checkpoints.clear(node)
        return record

    def _build(self, node: Node, given: Mapping[str, Any]) -> tuple[Record, SerializedResult | None]:
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
            return Record(node, "failed", None, format_error(error), seconds, trace=traceback.format_exc()), None
        seconds = perf_counter() - start
        try:
            encoded = serialize(result, given, StorableClasses(node))
        except SerializationError:
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
            checkpoint=NullCheckpoint() if keeping is None else keeping.of(node, self.keys, self.listener),
        )
