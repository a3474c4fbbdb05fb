"""Node after node, in the graph's order: build it, or say why not."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from time import perf_counter
from typing import Any

from flowlab.api import Context, FlowlabError, NodeError, Result
from flowlab.api.checkpoint import Nowhere
from flowlab.engine.checkpoints import Checkpoints
from flowlab.engine.defect import one_line
from flowlab.engine.device import resolve
from flowlab.engine.inputs import inputs, sources
from flowlab.engine.interrupt import signal_of
from flowlab.engine.key import Keys
from flowlab.engine.outcome import Outcome, Record, status_of
from flowlab.engine.progress import Listener
from flowlab.engine.recall import Recall
from flowlab.engine.store import Store
from flowlab.graph.graph import Graph
from flowlab.graph.node import Node


def run(
    graph: Graph,
    device: str,
    listener: Listener,
    checkpoints: Checkpoints | None = None,
    store: Store | None = None,
) -> Outcome:
    """Run every node whose inputs succeed. An interrupt stops the work and keeps what is finished.

    A node that an earlier run finished is taken from the store, one that it left a checkpoint of goes on from
    there; without the two nothing is written.
    """
    import torch

    where = resolve(device)
    dtype: torch.dtype = getattr(torch, graph.dtype)
    if checkpoints is not None:
        checkpoints.sweep()
    keys = Keys(graph.seed, graph.dtype, where.type)
    recall = None if store is None else Recall(store, keys, where, listener)
    start = perf_counter()
    records: dict[Node, Record] = {}
    signal = None
    try:
        for index, node in enumerate(graph.nodes):
            listener.started(node, index, len(graph.nodes))
            checkpoint = Nowhere() if checkpoints is None else checkpoints.of(node, keys, listener)
            context = Context(graph.seed, node.name, dtype, where, listener.progressed, checkpoint)
            records[node] = _attempt(node, context, records, recall)
            if checkpoints is not None and records[node].status in ("done", "short"):
                checkpoints.clear(node)
            listener.finished(records[node])
    except KeyboardInterrupt as interrupt:
        signal = signal_of(interrupt)
        for node in graph.nodes:
            records.setdefault(node, Record(node, "skipped", message="interrupted"))
    return Outcome(tuple(records[node] for node in graph.nodes), perf_counter() - start, signal)


def _attempt(node: Node, context: Context, records: Mapping[Node, Record], recall: Recall | None) -> Record:
    """One node's record: without work, from the store, or computed."""
    missing = [source.id for source in sources(node) if records[source].status in ("failed", "skipped")]
    if missing:
        return Record(node, "skipped", message=f"needs {', '.join(missing)}")
    if not node.kind.built:
        return Record(node, "done")
    given = inputs(node, records)
    if recall is None:
        return _computed(node, context, given)
    return recall.record(node, given, lambda: _computed(node, context, given))


def _computed(node: Node, context: Context, given: Mapping[str, Any]) -> Record:
    """One node's record, whatever its component does."""
    start = perf_counter()
    try:
        result = node.component.build(context, **given)
        if not isinstance(result, Result):
            raise NodeError(f"{node.use}: build returned {type(result).__name__}, not Result")
    except FlowlabError as error:
        return Record(node, "failed", message=str(error), seconds=perf_counter() - start)
    except Exception as error:
        # A defect of the component: its neighbours go on, its author gets the traceback on request.
        return Record(node, "failed", None, one_line(error), perf_counter() - start, trace=traceback.format_exc())
    return Record(node, status_of(result), result, seconds=perf_counter() - start)
