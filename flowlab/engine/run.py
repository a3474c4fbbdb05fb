"""From a graph to what became of each node."""

from __future__ import annotations

from time import perf_counter

from flowlab.api import EngineError, StoreError
from flowlab.engine.cache.content_digests import ContentDigests
from flowlab.engine.cache.store import Store
from flowlab.engine.checkpoints import Checkpoints
from flowlab.engine.device import resolve_device
from flowlab.engine.inputs import RecordedUpstream, gather_inputs, upstream_nodes
from flowlab.engine.interrupt import signal_of
from flowlab.engine.node_runner import NodeRunner
from flowlab.engine.numerics import pin_numerics
from flowlab.engine.outcome import Outcome, Record, Records, defect_record, record_without_work
from flowlab.engine.progress.listener import Listener
from flowlab.engine.workers.scheduler import run_on_workers
from flowlab.graph.graph import Graph


def run_graph(
    graph: Graph,
    device: str,
    listener: Listener,
    checkpoints: Checkpoints | None = None,
    store: Store | None = None,
    digests: ContentDigests | None = None,
) -> Outcome:
    """Run every node whose inputs succeed: in this process, or in those of the graph's executor.

    An interrupt stops the work and keeps what is finished, and so does the loss of an executor or a store. A node
    that an earlier run finished is taken from the store, one that it left a checkpoint of goes on from there;
    without the two nothing is written. The numeric switches of torch are pinned meanwhile. `digests` are those
    that the caller has taken for this run. An executor hands results over in the store: ValueError without one.
    """
    runner = NodeRunner.of(graph, resolve_device(device), listener, checkpoints, store, digests=digests)
    if checkpoints is not None:
        checkpoints.sweep()
    start = perf_counter()
    records: Records = {}
    signal, lost = None, ""
    try:
        with pin_numerics(runner.keys.threads):
            listener.begun(graph.nodes)
            if graph.executor is None:
                _run_in_process(runner, records)
            elif store is None:
                raise ValueError("an executor needs a store")
            else:
                run_on_workers(runner, graph.executor, store, records)
    except KeyboardInterrupt as interrupt:
        signal = signal_of(interrupt)
    except (EngineError, StoreError) as error:
        lost = str(error)
    if checkpoints is not None:
        checkpoints.clear(*(record.node for record in records.values() if record.reused))
    for node in graph.nodes:
        records.setdefault(node, Record(node, "skipped", message="not reached" if lost else "interrupted"))
    return Outcome(tuple(records[node] for node in graph.nodes), perf_counter() - start, signal, lost)


def _run_in_process(runner: NodeRunner, records: Records) -> None:
    """Run node after node, in the graph's order."""
    upstream = RecordedUpstream(records)
    for node in runner.graph.nodes:
        runner.listener.started(node)
        record = record_without_work(node, upstream_nodes(node), records)
        try:
            records[node] = record or runner.run(node, gather_inputs(node, upstream))
        except SystemExit as error:  # a component must not end the run as if all were well
            records[node] = defect_record(node, error)
        runner.listener.finished(records[node])
