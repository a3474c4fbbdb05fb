"""Node after node, in the graph's order: build it, or say why not."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from time import perf_counter

from flowlab.api import Context, FlowlabError, NodeError, Result
from flowlab.api.checkpoint import Nowhere
from flowlab.engine.checkpoints import Checkpoints
from flowlab.engine.defect import one_line
from flowlab.engine.device import resolve
from flowlab.engine.inputs import inputs, sources
from flowlab.engine.interrupt import signal_of
from flowlab.engine.key import Keys
from flowlab.engine.outcome import Outcome, Record, Status
from flowlab.engine.progress import Listener
from flowlab.graph.graph import Graph
from flowlab.graph.node import Node


def run(graph: Graph, device: str, listener: Listener, checkpoints: Checkpoints | None = None) -> Outcome:
    """Run every node whose inputs succeed. An interrupt stops the work and keeps what is finished.

    A node that an earlier run left a checkpoint of goes on from there; without checkpoints nothing is written.
    """
    import torch

    where = resolve(device)
    dtype: torch.dtype = getattr(torch, graph.dtype)
    if checkpoints is not None:
        checkpoints.sweep()
    keys = Keys(graph.seed, graph.dtype, where.type)
    start = perf_counter()
    records: dict[Node, Record] = {}
    signal = None
    try:
        for index, node in enumerate(graph.nodes):
            listener.started(node, index, len(graph.nodes))
            checkpoint = Nowhere() if checkpoints is None else checkpoints.of(node, keys, listener)
            context = Context(graph.seed, node.name, dtype, where, listener.progressed, checkpoint)
            records[node] = _attempt(node, context, records)
            if checkpoints is not None and records[node].status in ("done", "short"):
                checkpoints.clear(node)
            listener.finished(records[node])
    except KeyboardInterrupt as interrupt:
        signal = signal_of(interrupt)
        for node in graph.nodes:
            records.setdefault(node, Record(node, "skipped", message="interrupted"))
    return Outcome(tuple(records[node] for node in graph.nodes), perf_counter() - start, signal)


def _attempt(node: Node, context: Context, records: Mapping[Node, Record]) -> Record:
    """One node's record, whatever its component does."""
    missing = [source.id for source in sources(node) if records[source].status in ("failed", "skipped")]
    if missing:
        return Record(node, "skipped", message=f"needs {', '.join(missing)}")
    if not node.kind.built:
        return Record(node, "done")
    start = perf_counter()
    try:
        result = node.component.build(context, **inputs(node, records))
        if not isinstance(result, Result):
            raise NodeError(f"{node.use}: build returned {type(result).__name__}, not Result")
    except FlowlabError as error:
        return Record(node, "failed", message=str(error), seconds=perf_counter() - start)
    except Exception as error:
        # A defect of the component: its neighbours go on, its author gets the traceback on request.
        return Record(node, "failed", None, one_line(error), perf_counter() - start, trace=traceback.format_exc())
    status: Status = "done" if result.shortfall is None else "short"
    return Record(node, status, result, seconds=perf_counter() - start)
