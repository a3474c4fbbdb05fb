"""A node's work in a process of its own: from an order to a result in the store."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path

from attrs import define, field, frozen

from flowlab.api import EngineError, FlowlabError, StoreError
from flowlab.engine.cache.key import packages
from flowlab.engine.cache.source_digest import digests
from flowlab.engine.cache.store import Store
from flowlab.engine.checkpoints import Checkpoints
from flowlab.engine.device import resolve
from flowlab.engine.format_error import one_line
from flowlab.engine.inputs import inputs
from flowlab.engine.node_runner import Builder
from flowlab.engine.outcome import Record
from flowlab.engine.progress.listener import Quiet, resuming
from flowlab.engine.threads import pinned
from flowlab.engine.upstream import Recalled
from flowlab.engine.workers.messages import Job, Order, Said, told
from flowlab.graph.graph import connected
from flowlab.graph.node import Node
from flowlab.registry.registry import Registry
from flowlab.spec.document import parse

_OTHERWISE = (
    "a worker has other versions, source code or files than the run: run `flowlab doctor` in its environment, and "
    "start it anew after each change"
)
_NO_DATA = "its metrics or tables are no plain data: no other process can have them"


def perform(order: str) -> str:
    """Carry out an order; whatever happens is said in text. The same again finds its results in the store."""
    try:
        asked = Order.read(order)
    except EngineError as error:
        return told([Said("failed", message=str(error))])
    return told([_performed(asked.job, node, key) for node, key in asked.keys.items()])


def _performed(job: Job, node: str, key: str) -> Said:
    """Do one node."""
    try:
        bench = _bench(job)
        if not bench.agrees(node, key):  # what it remembers of files may be from a former run
            _bench.cache_clear()
            bench = _bench(job)
            if not bench.agrees(node, key):
                return Said("failed", message=_OTHERWISE)
        with pinned(bench.builder.keys.threads):
            return bench.said(node)
    except StoreError as error:
        return Said("failed", message=str(error), store_lost=True)
    except FlowlabError as error:
        return Said("failed", message=str(error))
    except Exception as error:
        return Said("failed", message=one_line(error), trace=traceback.format_exc())


@define
class _Notes(Quiet):
    """Hears what whoever gave the order should be told."""

    name: str = ""
    heard: list[str] = field(factory=list)

    def warned(self, message: str) -> None:
        """Keep it."""
        self.heard.append(message)

    def resumed(self, done: int, total: int) -> None:
        """Keep it."""
        self.heard.append(resuming(self.name, done, total))


@frozen
class _Bench:
    """A job's graph, and what this process has at hand of its results."""

    nodes: Mapping[str, Node]
    builder: Builder
    ancestors: Recalled
    notes: _Notes

    def agrees(self, name: str, key: str) -> bool:
        """Whether the result that is asked for is the one that this process would make."""
        keys, node = self.builder.keys, self.nodes[name]
        return keys.of(node) == key and all(_as_begun(name) in keys.modules.values() for name in packages(node))

    def said(self, name: str) -> Said:
        """Do the work."""
        node = self.nodes[name]
        self.notes.name, self.notes.heard = node.id, []
        record = self.builder.stored(node) or self.builder.record(node, inputs(node, self.ancestors))
        if record.finished and not record.digest:
            return Said("failed", message=_NO_DATA)
        return _of(record, self.notes.heard)


def _of(record: Record, warnings: list[str]) -> Said:
    return Said(
        status=record.status,
        digest=record.digest,
        seconds=record.seconds,
        message=record.message,
        trace=record.trace,
        reused=record.reused,
        warnings=warnings,
    )


@cache
def _as_begun(package: str) -> dict[str, str]:
    """A package's sources when this process used it first: what is edited later doesn't run in it."""
    return digests(package)


@lru_cache(maxsize=1)
def _bench(job: Job) -> _Bench:
    """What a process keeps from one order of a job to the next."""
    graph = connected(parse("<order>", job.experiment.encode()), Registry.installed())
    notes = _Notes()
    builder = Builder.of(
        graph,
        resolve(job.device),
        notes,
        Checkpoints(Path(job.checkpoints)) if job.checkpoints else None,
        Store(Path(job.store)),
        all_kept=True,
    )
    return _Bench({node.id: node for node in graph.nodes}, builder, Recalled(builder), notes)
