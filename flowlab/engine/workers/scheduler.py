"""A graph carried out by other processes: which node when, and what becomes of those whose process dies."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from functools import partial
from graphlib import TopologicalSorter
from time import monotonic, sleep

import attrs
from attrs import define, field

from flowlab.api import Answer, Crew, EngineError, Executor, NodeError, StoreError, Task
from flowlab.engine.cache.store import Store
from flowlab.engine.format_error import one_line
from flowlab.engine.inputs import inputs, sources
from flowlab.engine.node_runner import Builder
from flowlab.engine.outcome import Record, Records, unbuilt
from flowlab.engine.upstream import Finished, Recalled
from flowlab.engine.workers.batching import MOST, Pace
from flowlab.engine.workers.messages import Job, Order, Said
from flowlab.engine.workers.worker import perform
from flowlab.graph.node import Node

ALONE = 3  # deaths of a task while nothing else was at work, after which it is to blame
_AHEAD = 2  # tasks a hand, so that none waits for the next
_ARRIVAL = 60.0  # seconds: as long may a network's file system deny a file that it was asked for before


def dispatch(builder: Builder, executor: Executor, store: Store, records: Records) -> None:
    """Fill in the records of all nodes: the executor's processes build them, this one what is shown.

    Where the store has it all, none is started. Raises EngineError where the processes are lost, StoreError where
    the store is.
    """
    nodes = builder.graph.nodes
    records |= {node: Record(node, "done") for node in nodes if not node.kind.built}
    folder = None if builder.checkpoints is None else builder.checkpoints.folder
    shift = _Shift(builder, Job.of(builder.graph, builder.device.type, store.folder, folder), records)
    shift.settle(1)
    if shift.pending:
        with executor.crew(perform, builder.device.type, builder.keys.threads) as crew:
            shift.work(crew)
    for node in nodes:
        if node not in records:
            builder.listener.started(node)
            records[node] = unbuilt(node, sources(node), records) or _shown(builder, node, records)
            builder.listener.finished(records[node])


def _travels(node: Node) -> bool:
    return node.kind.built and not node.kind.shown


def _shown(builder: Builder, node: Node, records: Records) -> Record:
    try:
        return builder.record(node, inputs(node, Finished(records)))
    except NodeError as error:  # an ancestor whose value had to be built here, and couldn't
        return Record(node, "failed", message=str(error))


@define
class _Shift:
    """A crew's work on a graph.

    A node is ready once its inputs are there, pending if the store doesn't have it, flying while the crew does.
    """

    builder: Builder
    job: Job
    records: Records
    ancestors: Recalled = field(init=False)
    order: TopologicalSorter[Node] = field(init=False)
    pace: Pace = field(factory=Pace, init=False)
    ready: deque[Node] = field(factory=deque, init=False)
    pending: deque[Node] = field(factory=deque, init=False)
    suspects: deque[Node] = field(factory=deque, init=False)
    flying: dict[str, list[Node]] = field(factory=dict, init=False)  # by task
    deaths: Counter[str] = field(factory=Counter, init=False)  # of processes, by node
    alone: Counter[str] = field(factory=Counter, init=False)  # and of those, while nothing else was at work
    astray: bool = field(default=False, init=False)  # whether a result has been waited for in vain

    def __attrs_post_init__(self) -> None:
        nodes = filter(_travels, self.builder.graph.nodes)
        self.order = TopologicalSorter({node: set(filter(_travels, sources(node))) for node in nodes})
        self.order.prepare()
        self.ancestors = Recalled(self.builder)

    def settle(self, enough: int) -> None:
        """See to the ready: what the store has, or nobody can have, needs no work. Ends with enough that does."""
        while len(self.pending) < enough:
            self.ready += self.order.get_ready()
            if not self.ready:
                return
            node = self.ready.popleft()
            record = unbuilt(node, sources(node), self.records) or self._stored(node)
            if record is None:
                self.pending.append(node)
            else:
                self.builder.listener.started(node)
                self._finish(record)

    def work(self, crew: Crew) -> None:
        """Have each node done as soon as its inputs are."""
        enough = _AHEAD * crew.hands * MOST
        self.settle(enough)
        while self.pending or self.suspects or self.flying:
            self._submit(crew)
            for answer in crew.answers():
                for record in self._heard(answer):
                    self._finish(record)
            self.settle(enough)

    def _stored(self, node: Node) -> Record | None:
        try:
            self.builder.keys.of(node)
        except Exception as error:  # a component's own validators may have made anything of a parameter
            message = f"it has no key under which a process could hand it over: {one_line(error)}"
            return Record(node, "failed", message=message)
        found = self.builder.stored(node)
        return None if found is None else self._reachable(found)

    def _submit(self, crew: Crew) -> None:
        """Keep the crew busy; who is suspected of killing its process works last, with nobody beside it."""
        ahead = _AHEAD * crew.hands
        share = max(len(self.pending) // ahead, 1)
        while self.pending and len(self.flying) < ahead:
            self._send(crew, self.pace.batch(self.pending, share, self.deaths))
        if self.suspects and not self.flying:
            self._send(crew, [self.suspects.popleft()])

    def _send(self, crew: Crew, batch: list[Node]) -> None:
        for node in batch:
            if node.id not in self.deaths:
                self.builder.listener.started(node)
        name = batch[0].id if len(batch) == 1 else f"{batch[0].id} and {len(batch) - 1} more"
        self.flying[name] = batch
        keys = {node.id: self.builder.keys.of(node) for node in batch}
        crew.submit(Task(name, Order(self.job, keys).text))

    def _heard(self, answer: Answer) -> Iterator[Record]:
        """The records of nodes whose task ended, without those that are to be tried again."""
        batch = self.flying.pop(answer.name)
        if answer.text is None:
            yield from self._died(batch, answer)
            return
        if answer.deaths:
            times = "" if answer.deaths == 1 else f" {answer.deaths} times"
            self.builder.listener.warned(
                f"{answer.name}: the process at it died{times}, {answer.where}; it was done again"
            )
        try:
            told = Said.all(answer.text)
            # one for all: the order was not understood
            pairs = list(zip(batch, told if len(told) > 1 else told * len(batch), strict=True))
        except (ValueError, TypeError) as error:
            words = "a process answers in the words of another version of flowlab"
            raise EngineError(f"{answer.name}: {words}: {one_line(error)}") from error
        for node, said in pairs:
            record = self._record(node, said)
            self.pace.heard(record)
            yield record

    def _record(self, node: Node, said: Said) -> Record:
        for warning in said.warnings:
            self.builder.listener.warned(warning)
        if said.store_lost:
            raise StoreError(said.message)
        if said.status not in ("done", "short"):
            return Record(node, said.status, None, said.message, said.seconds, said.trace)
        record = self._arrived(node, said.digest)
        if record is None:
            where = f"in the store under {self.builder.keys.of(node)}"
            message = f"its result did not arrive {where}: is that folder the same for all processes?"
            return Record(node, "failed", message=message)
        return attrs.evolve(self._reachable(record), seconds=said.seconds, reused=said.reused)

    def _arrived(self, node: Node, digest: str) -> Record | None:
        """What a process says that it put into the store, once it is to be seen there."""
        end = monotonic() + (0.0 if self.astray else _ARRIVAL)
        while True:
            record = self.builder.stored(node)
            if record is not None and record.digest == digest:
                return record
            if monotonic() > end:
                self.astray = True
                return None
            sleep(0.1)

    def _reachable(self, record: Record) -> Record:
        """A record whose value is there for who asks for it."""
        return attrs.evolve(record, again=partial(self.ancestors.value, record.node))

    def _died(self, batch: list[Node], answer: Answer) -> list[Record]:
        """Once may be chance: it is done again at once. Then it is suspected, and found guilty alone."""
        if len(batch) > 1:
            self.builder.listener.warned(
                f"{answer.name}: the process at them died {answer.where}; they are done again, each by itself"
            )
            self.deaths.update(node.id for node in batch)  # any of them may be to blame
            self.pending.extendleft(reversed(batch))
            return []
        [node] = batch
        self.deaths[node.id] += answer.deaths
        self.alone[node.id] += 0 if self.flying else answer.deaths
        died = f"died {self.deaths[node.id]} times" if self.deaths[node.id] > 1 else "died"
        if self.alone[node.id] >= ALONE:
            often = f"{self.alone[node.id]} times with nothing else at work"
            return [Record(node, "failed", message=f"the process at it {died} {answer.where}, {often}")]
        self.builder.listener.warned(f"{node.id}: the process at it {died} {answer.where}; it is done again")
        if self.deaths[node.id] == 1:
            self.pending.appendleft(node)
        else:
            self.suspects.append(node)
        return []

    def _finish(self, record: Record) -> None:
        self.records[record.node] = record
        self.order.done(record.node)
        self.builder.listener.finished(record)
