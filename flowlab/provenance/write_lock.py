"""lock.toml: all that is needed to run the same again, and to tell whether it is the same."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from flowlab.engine.inputs import sources
from flowlab.engine.outcome import Outcome, Record
from flowlab.graph.graph import Graph
from flowlab.graph.node import Node
from flowlab.output.plain import plain, without_none
from flowlab.provenance.environment import Origin

SEAL = "sha256"  # the key of a lock's own digest


def lock(graph: Graph, outcome: Outcome, origin: Origin, files: Mapping[str, bytes]) -> dict[str, Any]:
    """The resolved experiment, what ran it, the digests of all results and of the files written, under a seal."""
    run = {
        "date": datetime.now(UTC).replace(microsecond=0),
        "seed": graph.seed,
        "dtype": graph.dtype,
        "device": origin.device,
        "threads": origin.threads,
        "platform": origin.platform,
        "python": origin.python,
        "processor": origin.processor,
        "reused": [record.node.id for record in outcome.records if record.reused],
    }
    records = {record.node: record for record in outcome.records}
    content = {
        "run": run,
        "versions": dict(origin.versions),
        "sources": dict(origin.sources),
        "reads": dict(origin.reads),
        "files": {name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
        "nodes": {node.id: _traced(record, records) for node, record in records.items() if node.kind.built},
        "experiment": without_none(plain(graph.resolved)),
    }
    return {SEAL: seal(content), **content}


def seal(content: Mapping[str, Any]) -> str:
    """sha256 of what a lock says, its seal aside, however it is laid out."""
    said = {name: value for name, value in content.items() if name != SEAL}
    return hashlib.sha256(json.dumps(said, sort_keys=True, default=str).encode()).hexdigest()


def _traced(record: Record, records: Mapping[Node, Record]) -> dict[str, Any]:
    """A node's end: its status, the key and the digest of its result, the digests of those it received."""
    received = {source.id: records[source].digest for source in sources(record.node)}
    inputs = {name: digest for name, digest in received.items() if digest}
    told = {"key": record.key, "digest": record.digest, "inputs": inputs}
    return {"status": record.status, **{name: value for name, value in told.items() if value}}
