"""Which node is sent to the workers when, and what becomes of nodes whose process dies."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from functools import partial
from graphlib import TopologicalSorter
from time import monotonic, sleep

import attrs
from attrs import define, field

from flowlab.api import EngineError, Executor, NodeError, StoreError, Task, TaskResult, WorkerPool
from flowlab.engine.cache.store import Store
from flowlab.engine.format_error import format_error
from flowlab.engine.inputs import RecordedUpstream, gather_inputs, upstream_nodes
from flowlab.engine.node_runner import NodeRunner
from flowlab.engine.outcome import Record, Records, defect_record, record_without_work
from flowlab.engine.upstream import CachedUpstream
from flowlab.engine.workers.batching import MAX_BATCH, BatchSizer
from flowlab.engine.workers.messages import (
    MessageError,
    NodeBatch,
    NodeReply,
    RunSpec,
    dump_message,
    load_replies,
)
from flowlab.engine.workers.worker import run_batch
from flowlab.graph.node import Node

CRASHES_ALONE = 3  # crashes of a task while no other is running, after which the task has failed
_AHEAD = 2  # tasks a worker, so that none waits for the next
_ARRIVAL = 60.0  # seconds until a file written elsewhere must be visible: network file systems cache its absence


def run_on_workers(runner: NodeRunner, executor: Executor, store: Store, records: Records) -> None:
    """Fill in the records of all nodes: the executor's processes build them, this one those that are shown.

    No process is started if the store has all results. Raises EngineError where the processes are lost, StoreError
    where the store is.
    """
    nodes = runner.graph.nodes
    records |= {node: Record(node, "done") for node in nodes if not node.kind.built}
    folder = None if runner.checkpoints is None else runner.checkpoints.folder
    scheduler = Scheduler(runner, records)
    scheduler.settle(1)
    if scheduler.pending:
        spec = RunSpec.of(runner.graph, runner.device.type, store.folder, folder)
        work = partial(run_batch, dump_message(spec))
        with executor.open_pool(work, runner.device.type, runner.keys.threads) as pool:
            scheduler.work(pool)
    for node in nodes:
        if node not in records:
            runner.listener.started(node)
            records[node] = record_without_work(node, upstream_nodes(node), records) or _record_here(
                runner, node, records
            )
            runner.listener.finished(records[node])


def _runs_on_workers(node: Node) -> bool:
    return node.kind.built and not node.kind.shown


def _record_here(runner: NodeRunner, node: Node, records: Records) -> Record:
    try:
        return runner.run(node, gather_inputs(node, RecordedUpstream(records)))
    except NodeError as error:  # an ancestor whose value had to be built here, and couldn't
        return Record(node, "failed", message=str(error))
    except SystemExit as error:  # a component must not end the run as if all were well
        return defect_record(node, error)


@define
class Scheduler:
    """The state of a graph's nodes while workers compute them.

    A node is ready once its inputs are there, pending if the store doesn't have its result, running while a worker
    has it, and isolated if it is to run while no other does, as its process has died more than once.
    """

    runner: NodeRunner
    records: Records
    upstream: CachedUpstream = field(init=False)
    order: TopologicalSorter[Node] = field(init=False)
    batch_sizer: BatchSizer = field(factory=BatchSizer, init=False)
    ready: deque[Node] = field(factory=deque, init=False)
    pending: deque[Node] = field(factory=deque, init=False)
    isolated: deque[Node] = field(factory=deque, init=False)
    running: dict[str, list[Node]] = field(factory=dict, init=False)  # by task
    crashes: Counter[str] = field(factory=Counter, init=False)  # of processes, by node
    crashes_alone: Counter[str] = field(factory=Counter, init=False)  # of these, while no other task was running
    timed_out: bool = field(default=False, init=False)  # whether a result did not arrive in time

    def __attrs_post_init__(self) -> None:
        nodes = filter(_runs_on_workers, self.runner.graph.nodes)
        self.order = TopologicalSorter(
            {node: set(filter(_runs_on_workers, upstream_nodes(node))) for node in nodes}
        )
        self.order.prepare()
        self.upstream = CachedUpstream(self.runner)

    def settle(self, enough: int) -> None:
        """Finish ready nodes that need no worker, until `enough` are pending: those stored, or without inputs."""
        while len(self.pending) < enough:
            self.ready += self.order.get_ready()
            if not self.ready:
                return
            node = self.ready.popleft()
            record = record_without_work(node, upstream_nodes(node), self.records) or self._stored(node)
            if record is None:
                self.pending.append(node)
            else:
                self.runner.listener.started(node)
                self._finish(record)

    def work(self, pool: WorkerPool) -> None:
        """Run each node as soon as its inputs are there."""
        enough = _AHEAD * pool.slots * MAX_BATCH
        self.settle(enough)
        while self.pending or self.isolated or self.running:
            self._submit(pool)
            for result in pool.completed():
                for record in self._handle_result(result):
                    self._finish(record)
            self.settle(enough)

    def _stored(self, node: Node) -> Record | None:
        try:
            self.runner.keys.of(node)
        except Exception as error:  # a component's own validators may have made anything of a parameter
            message = f"it has no key under which a worker could store it: {format_error(error)}"
            return Record(node, "failed", message=message)
        record = self.runner.load_cached(node)
        return None if record is None else self._reachable(record)

    def _submit(self, pool: WorkerPool) -> None:
        """Keep the workers busy; isolated nodes come last, one at a time."""
        ahead = _AHEAD * pool.slots
        share = max(len(self.pending) // ahead, 1)
        while self.pending and len(self.running) < ahead:
            self._send(pool, self.batch_sizer.batch(self.pending, share, self.crashes))
        if self.isolated and not self.running:
            self._send(pool, [self.isolated.popleft()])

    def _send(self, pool: WorkerPool, batch: list[Node]) -> None:
        for node in batch:
            if node.id not in self.crashes:
                self.runner.listener.started(node)
        name = batch[0].id if len(batch) == 1 else f"{batch[0].id} and {len(batch) - 1} more"
        self.running[name] = batch
        keys = {node.id: self.runner.keys.of(node) for node in batch}
        pool.submit(Task(name, dump_message(NodeBatch(keys))))

    def _handle_result(self, result: TaskResult) -> Iterator[Record]:
        """The records of nodes whose task ended, without those that are to be tried again. Raises EngineError."""
        batch = self.running.pop(result.name)
        if result.text is None:
            yield from self._handle_crash(batch, result)
            return
        if result.crashes:
            times = "" if result.crashes == 1 else f" {result.crashes} times"
            self.runner.listener.warned(
                f"{result.name}: the process at it died{times}, {result.where}; it was done again"
            )
        try:
            replies = load_replies(result.text)
            if len(replies) not in (1, len(batch)):
                raise MessageError(f"{len(replies)} replies for {len(batch)} nodes")
        except MessageError as error:
            fault = "the answer of a worker is of another version of flowlab"
            raise EngineError(f"{result.name}: {fault}: {error}") from error
        for node, reply in zip(batch, replies if len(replies) > 1 else replies * len(batch), strict=True):
            record = self._record(node, reply)
            self.batch_sizer.observe(record)
            yield record

    def _record(self, node: Node, reply: NodeReply) -> Record:
        for warning in reply.warnings:
            self.runner.listener.warned(warning)
        if reply.store_lost:
            raise StoreError(reply.message)
        if reply.status not in ("done", "short"):
            return Record(node, reply.status, None, reply.message, reply.seconds, reply.trace)
        record = self._wait_for_result(node, reply.digest)
        if record is None:
            where = f"in the store under {self.runner.keys.of(node)}"
            message = f"its result did not arrive {where}: is that folder the same for all processes?"
            return Record(node, "failed", message=message)
        return attrs.evolve(self._reachable(record), seconds=reply.seconds, reused=reply.reused)

    def _wait_for_result(self, node: Node, digest: str) -> Record | None:
        """The result that a worker says it stored, once it is visible here; None if that takes too long."""
        end = monotonic() + (0.0 if self.timed_out else _ARRIVAL)
        while True:
            record = self.runner.load_cached(node)
            if record is not None and record.digest == digest:
                return record
            if monotonic() > end:
                self.timed_out = True
                return None
            sleep(0.1)

    def _reachable(self, record: Record) -> Record:
        """The record with a way to its value: from the store, or built again."""
        return attrs.evolve(record, again=partial(self.upstream.value, record.node))

    def _handle_crash(self, batch: list[Node], result: TaskResult) -> list[Record]:
        """Try again: at once after a first crash, isolated after that. A node that crashes alone has failed."""
        if len(batch) > 1:
            self.runner.listener.warned(
                f"{result.name}: the process at them died {result.where}; they are done again, each by itself"
            )
            self.crashes.update(node.id for node in batch)  # any of them may be to blame
            self.pending.extendleft(reversed(batch))
            return []
        [node] = batch
        self.crashes[node.id] += result.crashes
        self.crashes_alone[node.id] += 0 if self.running else result.crashes
        died = f"died {self.crashes[node.id]} times" if self.crashes[node.id] > 1 else "died"
        if self.crashes_alone[node.id] >= CRASHES_ALONE:
            often = f"{self.crashes_alone[node.id]} times with nothing else at work"
            return [Record(node, "failed", message=f"the process at it {died} {result.where}, {often}")]
        self.runner.listener.warned(f"{node.id}: the process at it {died} {result.where}; it is done again")
        if self.crashes[node.id] == 1:
            self.pending.appendleft(node)
        else:
            self.isolated.append(node)
        return []

    def _finish(self, record: Record) -> None:
        self.records[record.node] = record
        self.order.done(record.node)
        self.runner.listener.finished(record)
