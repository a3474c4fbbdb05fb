"""A worker process: it gets batches of nodes, and puts their results into the store."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import attrs
from attrs import define, field, frozen

from flowlab.api import FlowlabError, StoreError
from flowlab.engine.cache.store import Store
from flowlab.engine.checkpoints import Checkpoints
from flowlab.engine.device import resolve_device
from flowlab.engine.format_error import format_error
from flowlab.engine.inputs import ancestors, gather_inputs
from flowlab.engine.node_runner import NodeRunner
from flowlab.engine.numerics import pin_numerics
from flowlab.engine.outcome import Record
from flowlab.engine.progress.lines import format_resume
from flowlab.engine.progress.quiet import QuietListener
from flowlab.engine.upstream import CachedUpstream
from flowlab.engine.workers.messages import (
    MessageError,
    NodeBatch,
    NodeReply,
    RunSpec,
    dump_replies,
    load_message,
)
from flowlab.graph.graph import build_graph
from flowlab.graph.node import Node
from flowlab.registry.registry import Registry
from flowlab.spec.document import parse_document

_DIFFERENT_ENVIRONMENT = (
    "a worker has other versions, source code or files than the run: run `flowlab doctor` in its environment, and "
    "start it anew after each change"
)
_NO_PLAIN_DATA = "its metrics or tables are not plain data, so they can't be sent to another process"


def run_batch(spec: str, order: str) -> str:
    """Do the nodes of a batch, and answer in text whatever happens. Those done before are found in the store."""
    try:
        run, batch = _load_spec(spec), load_message(order, NodeBatch)
    except MessageError as error:
        return dump_replies([NodeReply("failed", message=f"the order is of another version of flowlab: {error}")])
    return dump_replies([_run_node(run, node, key) for node, key in batch.keys.items()])


@lru_cache(maxsize=1)
def _load_spec(text: str) -> RunSpec:
    """A run's spec, read once: it is as long as its sweeps."""
    return load_message(text, RunSpec)


def _run_node(spec: RunSpec, node: str, key: str) -> NodeReply:
    """What became of a node whose result has this key."""
    try:
        session = _open_session(spec)
        if not session.agrees(node, key):  # what it remembers of files may be from a former run
            _open_session.cache_clear()
            session = _open_session(spec)
            if not session.agrees(node, key):
                return NodeReply("failed", message=_DIFFERENT_ENVIRONMENT)
        with pin_numerics(session.runner.keys.threads):
            return session.reply(node)
    except StoreError as error:
        return NodeReply("failed", message=str(error), store_lost=True)
    except FlowlabError as error:
        return NodeReply("failed", message=str(error))
    except Exception as error:
        return NodeReply("failed", message=format_error(error), trace=traceback.format_exc())


@define
class RecordingListener(QuietListener):
    """Collects the messages about a node for its reply."""

    name: str = ""
    messages: list[str] = field(factory=list)

    def warned(self, message: str) -> None:
        """Add a warning."""
        self.messages.append(message)

    def resumed(self, done: int, total: int) -> None:
        """Add that the node goes on from a checkpoint."""
        self.messages.append(format_resume(self.name, done, total))


@frozen
class WorkerSession:
    """A run's graph in a worker, and the results that the worker holds in memory."""

    nodes: Mapping[str, Node]
    runner: NodeRunner
    upstream: CachedUpstream
    recorder: RecordingListener
    loaded: set[str] = field(factory=set)  # digests of sources that this process runs as they are now

    def agrees(self, name: str, key: str) -> bool:
        """Whether this process has the sources, files and versions of the result that is asked for."""
        keys, node = self.runner.keys, self.nodes[name]
        if keys.of(node) != key:
            return False
        for one in (node, *ancestors(node)):
            sources = keys.digests.sources(one.entry)
            if sources.digest not in self.loaded and not _are_loaded(sources.modules):
                return False
            self.loaded.add(sources.digest)
        return True

    def reply(self, name: str) -> NodeReply:
        """Compute a node, unless the store has it, and say what became of it."""
        node = self.nodes[name]
        self.recorder.name, self.recorder.messages = node.id, []
        record = self.runner.load_cached(node) or self.runner.run(node, gather_inputs(node, self.upstream))
        if record.finished and not record.digest:
            return NodeReply("failed", message=_NO_PLAIN_DATA)
        return _to_reply(record, self.recorder.messages)


def _to_reply(record: Record, warnings: list[str]) -> NodeReply:
    return NodeReply(
        status=record.status,
        digest=record.digest,
        seconds=record.seconds,
        message=record.message,
        trace=record.trace,
        reused=record.reused,
        warnings=warnings,
    )


_first_digests: dict[str, str] = {}  # of modules, when this process used them first: later edits don't run in it


def _are_loaded(modules: Mapping[str, str]) -> bool:
    """Whether modules are what this process runs."""
    return all(_first_digests.setdefault(module, digest) == digest for module, digest in modules.items())


@lru_cache(maxsize=1)
def _open_session(spec: RunSpec) -> WorkerSession:
    """The session of a run, kept from one batch to the next."""
    raw = spec.experiment.encode()  # longer than what a person wrote: every default, and lists over lines
    document = attrs.evolve(parse_document("<order>", raw, most=len(raw)), folder=Path(spec.folder))
    graph = build_graph(document, Registry.installed())
    recorder = RecordingListener()
    runner = NodeRunner.of(
        graph,
        resolve_device(spec.device),
        recorder,
        Checkpoints(Path(spec.checkpoints)) if spec.checkpoints else None,
        Store(Path(spec.store)),
        keep_all=True,
    )
    return WorkerSession({node.id: node for node in graph.nodes}, runner, CachedUpstream(runner), recorder)
