"""A graph carried out by other processes: which node when, and what becomes of those whose process dies."""

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
from flowlab.engine.outcome import Record, Records, record_without_work
from flowlab.engine.upstream import CachedUpstream
from flowlab.engine.workers.batching import MAX_BATCH, BatchSizer
from flowlab.engine.workers.messages import NodeBatch, NodeReply, RunSpec
from flowlab.engine.workers.worker import run_batch
from flowlab.graph.node import Node

CRASHES_ALONE = 3  # deaths of a task while nothing else was at work, after which it is to blame
_AHEAD = 2  # tasks a hand, so that none waits for the next
_ARRIVAL = 60.0  # seconds: as long may a network's file system deny a file that it was asked for before


def run_on_workers(runner: NodeRunner, executor: Executor, store: Store, records: Records) -> None:
    """Fill in the records of all nodes: the executor's processes build them, this one what is shown.

    Where the store has it all, none is started. Raises EngineError where the processes are lost, StoreError where
    the store is.
    """
    nodes = runner.graph.nodes
    records |= {node: Record(node, "done") for node in nodes if not node.kind.built}
    folder = None if runner.checkpoints is None else runner.checkpoints.folder
    scheduler = Scheduler(runner, RunSpec.of(runner.graph, runner.device.type, store.folder, folder), records)
    scheduler.settle(1)
    if scheduler.pending:
        with executor.open_pool(run_batch, runner.device.type, runner.keys.threads) as pool:
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


@define
class Scheduler:
    """A crew's work on a graph.

    A node is ready once its inputs are there, pending if the store doesn't have it, flying while the crew does.
    """

    runner: NodeRunner
    job: RunSpec
    records: Records
    upstream: CachedUpstream = field(init=False)
    order: TopologicalSorter[Node] = field(init=False)
    batch_sizer: BatchSizer = field(factory=BatchSizer, init=False)
    ready: deque[Node] = field(factory=deque, init=False)
    pending: deque[Node] = field(factory=deque, init=False)
    isolated: deque[Node] = field(factory=deque, init=False)
    running: dict[str, list[Node]] = field(factory=dict, init=False)  # by task
    crashes: Counter[str] = field(factory=Counter, init=False)  # of processes, by node
    crashes_alone: Counter[str] = field(
        factory=Counter, init=False
    )  # and of those, while nothing else was at work
    timed_out: bool = field(default=False, init=False)  # whether a result has been waited for in vain

    def __attrs_post_init__(self) -> None:
        nodes = filter(_runs_on_workers, self.runner.graph.nodes)
        self.order = TopologicalSorter(
            {node: set(filter(_runs_on_workers, upstream_nodes(node))) for node in nodes}
        )
        self.order.prepare()
        self.upstream = CachedUpstream(self.runner)

    def settle(self, enough: int) -> None:
        """See to the ready: what the store has, or nobody can have, needs no work. Ends with enough that does."""
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
        """Have each node done as soon as its inputs are."""
        enough = _AHEAD * pool.slots * MAX_BATCH
        self.settle(enough)
        while self.pending or self.isolated or self.running:
            self._submit(pool)
            for answer in pool.completed():
                for record in self._handle_result(answer):
                    self._finish(record)
            self.settle(enough)

    def _stored(self, node: Node) -> Record | None:
        try:
            self.runner.keys.of(node)
        except Exception as error:  # a component's own validators may have made anything of a parameter
            message = f"it has no key under which a process could hand it over: {format_error(error)}"
            return Record(node, "failed", message=message)
        found = self.runner.load_cached(node)
        return None if found is None else self._reachable(found)

    def _submit(self, pool: WorkerPool) -> None:
        """Keep the crew busy; who is suspected of killing its process works last, with nobody beside it."""
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
        pool.submit(Task(name, NodeBatch(self.job, keys).text))

    def _handle_result(self, answer: TaskResult) -> Iterator[Record]:
        """The records of nodes whose task ended, without those that are to be tried again."""
        batch = self.running.pop(answer.name)
        if answer.text is None:
            yield from self._handle_crash(batch, answer)
            return
        if answer.crashes:
            times = "" if answer.crashes == 1 else f" {answer.crashes} times"
            self.runner.listener.warned(
                f"{answer.name}: the process at it died{times}, {answer.where}; it was done again"
            )
        try:
            replies = NodeReply.all(answer.text)
            # one for all: the order was not understood
            pairs = list(zip(batch, replies if len(replies) > 1 else replies * len(batch), strict=True))
        except (ValueError, TypeError) as error:
            words = "a process answers in the words of another version of flowlab"
            raise EngineError(f"{answer.name}: {words}: {format_error(error)}") from error
        for node, reply in pairs:
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
        """What a process says that it put into the store, once it is to be seen there."""
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
        """A record whose value is there for who asks for it."""
        return attrs.evolve(record, again=partial(self.upstream.value, record.node))

    def _handle_crash(self, batch: list[Node], answer: TaskResult) -> list[Record]:
        """Once may be chance: it is done again at once. Then it is suspected, and found guilty alone."""
        if len(batch) > 1:
            self.runner.listener.warned(
                f"{answer.name}: the process at them died {answer.where}; they are done again, each by itself"
            )
            self.crashes.update(node.id for node in batch)  # any of them may be to blame
            self.pending.extendleft(reversed(batch))
            return []
        [node] = batch
        self.crashes[node.id] += answer.crashes
        self.crashes_alone[node.id] += 0 if self.running else answer.crashes
        died = f"died {self.crashes[node.id]} times" if self.crashes[node.id] > 1 else "died"
        if self.crashes_alone[node.id] >= CRASHES_ALONE:
            often = f"{self.crashes_alone[node.id]} times with nothing else at work"
            return [Record(node, "failed", message=f"the process at it {died} {answer.where}, {often}")]
        self.runner.listener.warned(f"{node.id}: the process at it {died} {answer.where}; it is done again")
        if self.crashes[node.id] == 1:
            self.pending.appendleft(node)
        else:
            self.isolated.append(node)
        return []

    def _finish(self, record: Record) -> None:
        self.records[record.node] = record
        self.order.done(record.node)
        self.runner.listener.finished(record)
