"""One node's work in this process: its result from the store, or built and stored there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from flowlab.api import Context, FlowlabError
from flowlab.api.checkpoint import NullCheckpoint
from flowlab.engine.cache.cache import ResultCache
from flowlab.engine.cache.content_digests import ContentDigests
from flowlab.engine.cache.key import CacheKeys
from flowlab.engine.cache.serialization import SerializationError, SerializedResult, serialize
from flowlab.engine.cache.storable_classes import StorableClasses
from flowlab.engine.cache.store import Store
from flowlab.engine.checkpoints import Checkpoints
from flowlab.engine.inputs import files_read, hide_names
from flowlab.engine.interrupt import raise_interrupt_behind
from flowlab.engine.outcome import Record, defect_record, status_of
from flowlab.engine.progress.listener import Listener
from flowlab.engine.threads import thread_count
from flowlab.engine.value_checks import require_accepted, require_yielded
from flowlab.graph.graph import Graph
from flowlab.graph.node import Node

if TYPE_CHECKING:
    import torch


@frozen
class NodeRunner:
    """Runs the nodes of an experiment, one at a time."""

    graph: Graph
    device: torch.device
    keys: CacheKeys
    listener: Listener
    checkpoints: Checkpoints | None = None
    cache: ResultCache | None = None
    # a node's record with its value, computed here or by a former run, from the values of its inputs
    run: Callable[[Node, Mapping[str, Any]], Record] = field(init=False, eq=False, repr=False)

    @run.default
    def _choose_run(self) -> Callable[[Node, Mapping[str, Any]], Record]:
        """The work itself, or the cache around it: a stored result then takes no further step."""
        if self.cache is None:
            return self.run_without_store
        return partial(self.cache.get_or_compute, self.compute, self.checkpoints)

    @classmethod
    def of(
        cls,
        graph: Graph,
        device: torch.device,
        listener: Listener,
        checkpoints: Checkpoints | None = None,
        store: Store | None = None,
        *,
        digests: ContentDigests | None = None,
        keep_all: bool = False,
    ) -> NodeRunner:
        """A runner with a store and checkpoints, if any: without them it writes nothing.

        `digests` are those that the run has taken already. With `keep_all` the store takes every result, so that
        other processes find it.
        """
        keys = CacheKeys(graph.seed, graph.dtype, device.type, thread_count(graph), digests or ContentDigests())
        cache = None if store is None else ResultCache(store, keys, device, listener, keep_all)
        return cls(graph, device, keys, listener, checkpoints, cache)

    def load_cached(self, node: Node) -> Record | None:
        """What the store has of a node; a value that can only be had with the node's inputs is missing."""
        return None if self.cache is None else self.cache.load_without_inputs(node)

    def run_without_store(self, node: Node, given: Mapping[str, Any]) -> Record:
        """A node's record with its value, computed here."""
        record, _ = self.compute(node, given)
        if self.checkpoints is not None and record.finished:
            self.checkpoints.clear(node)
        return record

    def compute(self, node: Node, given: Mapping[str, Any]) -> tuple[Record, SerializedResult | None]:
        """A node's record, whatever its component does, and its result in the form that is stored."""
        context = self._context(node)
        start = perf_counter()
        try:
            require_accepted(node, given)
            result = hide_names(node).build(context, **given)
            require_yielded(node, result)
        except FlowlabError as error:
            raise_interrupt_behind(error)
            return Record(node, "failed", message=str(error), seconds=perf_counter() - start), None
        except Exception as error:
            raise_interrupt_behind(error)
            return defect_record(node, error, perf_counter() - start), None
        seconds = perf_counter() - start
        changed = [path for path in files_read(node.component) if self.keys.digests.has_changed(path)]
        if changed:  # the result belongs to no key
            message = f"{changed[0]!r} has another content than when the run began"
            return Record(node, "failed", message=message, seconds=seconds), None
        try:
            serialized = serialize(result, given, StorableClasses(node))
        except SerializationError:
            return Record(node, status_of(result), result, seconds=seconds), None
        return Record(node, status_of(result), result, seconds=seconds, digest=serialized.digest), serialized

    def _context(self, node: Node) -> Context:
        import torch

        checkpoints = self.checkpoints
        return Context(
            seed=self.graph.seed if node.seed is None else node.seed,
            node=node.name,
            dtype=getattr(torch, self.graph.dtype),
            device=self.device,
            progress=self.listener.progressed,
            checkpoint=(
                NullCheckpoint() if checkpoints is None else checkpoints.of(node, self.keys, self.listener)
            ),
            pinned_kind=None if node.pinned_seed is None else node.kind.name,
            seeds=node.seeds,
        )
