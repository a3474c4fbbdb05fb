"""A graph carried out by other processes: which node when, and what becomes of those whose process dies."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable
from functools import partial
from graphlib import TopologicalSorter
from pathlib import Path

import attrs
from attrs import define, field

from flowlab.api import Answer, Crew, Executor, NodeError, StoreError, Task
from flowlab.engine.ancestors import Recalled
from flowlab.engine.build import Builder
from flowlab.engine.inputs import inputs, sources
from flowlab.engine.order import Job, Order, Said
from flowlab.engine.outcome import Record, Records, unbuilt
from flowlab.engine.store import Store
from flowlab.engine.worker import perform
from flowlab.graph.node import Node

ALONE = 3  # deaths of a task while nothing else was at work, after which it is to blame
_AHEAD = 2  # tasks a hand, so that none waits for the next


def dispatch(builder: Builder, executor: Executor, store: Store, records: Records) -> None:
    """Fill in the records of all nodes: the executor's processes build them, this one what is shown.

    Raises EngineError where the processes are lost, StoreError where the store is.
    """
    nodes = builder.graph.nodes
    records |= {node: Record(node, "done") for node in nodes if not node.kind.built}
    folder = None if builder.checkpoints is None else builder.checkpoints.folder
    ancestors = Recalled(builder)
    device, threads = builder.device.type, builder.keys.threads
    job = Job.of(builder.graph, device, store.folder, folder)
    with job.posted() as path, executor.crew(perform, device, threads) as crew:
        _Shift(builder, crew, path, records, ancestors).work([node for node in nodes if _travels(node)])
    for node in nodes:
        if node not in records:
            builder.listener.started(node, len(records), len(nodes))
            records[node] = unbuilt(node, sources(node), records) or _shown(builder, node, ancestors)
            builder.listener.finished(records[node])


def _travels(node: Node) -> bool:
    return node.kind.built and not node.kind.shown


def _shown(builder: Builder, node: Node, ancestors: Recalled) -> Record:
    try:
        return builder.record(node, inputs(node, ancestors))
    except NodeError as error:  # an ancestor whose value had to be built here, and couldn't
        return Record(node, "failed", message=str(error))


@define
class _Shift:
    """A crew's work on a graph."""

    builder: Builder
    crew: Crew
    job: Path
    records: Records
    ancestors: Recalled
    pending: deque[Node] = field(factory=deque)
    suspects: deque[Node] = field(factory=deque)
    flying: dict[str, Node] = field(factory=dict)
    deaths: Counter[str] = field(factory=Counter)  # of processes, by task
    alone: Counter[str] = field(factory=Counter)  # and of those, while nothing else was at work

    def work(self, nodes: Iterable[Node]) -> None:
        """Have each node done as soon as its inputs are."""
        order = TopologicalSorter({node: set(filter(_travels, sources(node))) for node in nodes})
        order.prepare()
        while order.is_active():
            for node in order.get_ready():
                record = unbuilt(node, sources(node), self.records) or self.builder.stored(node)
                if record is None:
                    self.pending.append(node)
                else:
                    self._start(node)
                    self._finish(self._reachable(record))
                    order.done(node)
            self._submit()
            for answer in self.crew.answers() if self.flying else ():
                record = self._heard(answer)
                if record is not None:
                    self._finish(record)
                    order.done(record.node)

    def _submit(self) -> None:
        """Keep the crew busy; who is suspected of killing its process works with nobody beside it."""
        if self.suspects:
            if not self.flying:
                self._send(self.suspects.popleft())
            return
        while self.pending and len(self.flying) < _AHEAD * self.crew.hands:
            node = self.pending.popleft()
            self._start(node)
            self._send(node)

    def _send(self, node: Node) -> None:
        self.flying[node.id] = node
        order = Order(str(self.job.absolute()), node.id, self.builder.keys.of(node))
        self.crew.submit(Task(node.id, order.text))

    def _heard(self, answer: Answer) -> Record | None:
        """The record of a node whose task ended; None where it is to be tried again."""
        node = self.flying.pop(answer.name)
        if answer.text is None:
            return self._died(node, answer)
        said = Said.read(answer.text)
        if answer.deaths:
            times = "" if answer.deaths == 1 else f" {answer.deaths} times"
            self.builder.listener.warned(
                f"{node.id}: the process at it died{times}, {answer.where}; it was done again"
            )
        for warning in said.warnings:
            self.builder.listener.warned(warning)
        if said.store_lost:
            raise StoreError(said.message)
        if said.status not in ("done", "short"):
            return Record(node, said.status, None, said.message, said.seconds, said.trace)
        stored = self.builder.stored(node)
        if stored is None or stored.digest != said.digest:
            key = self.builder.keys.of(node)
            message = (
                f"its result did not arrive in the store under {key}: is that folder the same for all processes?"
            )
            return Record(node, "failed", message=message)
        return attrs.evolve(self._reachable(stored), seconds=said.seconds, reused=said.reused)

    def _reachable(self, record: Record) -> Record:
        """A record whose value is there for who asks for it."""
        return attrs.evolve(record, again=partial(self.ancestors.value, record.node))

    def _died(self, node: Node, answer: Answer) -> Record | None:
        self.deaths[node.id] += answer.deaths
        self.alone[node.id] += 0 if self.flying else answer.deaths
        died = f"died {self.deaths[node.id]} times" if self.deaths[node.id] > 1 else "died"
        if self.alone[node.id] < ALONE:
            self.builder.listener.warned(f"{node.id}: the process at it {died} {answer.where}; it is done again")
            self.suspects.append(node)
            return None
        message = f"the process at it {died} {answer.where}, {ALONE} times with nothing else at work"
        return Record(node, "failed", message=message)

    def _start(self, node: Node) -> None:
        done = len(self.records) + len(self.flying) + len(self.suspects)
        self.builder.listener.started(node, done, len(self.builder.graph.nodes))

    def _finish(self, record: Record) -> None:
        self.records[record.node] = record
        self.builder.listener.finished(record)
