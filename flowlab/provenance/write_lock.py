"""lock.toml: all that is needed to run the same again, and to tell whether it is the same."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from flowlab.engine.inputs import upstream_nodes
from flowlab.engine.outcome import Outcome, Record
from flowlab.graph.graph import Graph
from flowlab.graph.node import Node
from flowlab.output.jsonable import drop_none, to_jsonable
from flowlab.provenance.environment import Environment

CHECKSUM = "sha256"  # the key of a lock's own digest


def lock_content(
    graph: Graph, outcome: Outcome, environment: Environment, files: Mapping[str, bytes]
) -> dict[str, Any]:
    """The resolved experiment, what ran it, the digests of all results and of the files written, under a seal."""
    run = {
        "date": datetime.now(UTC).replace(microsecond=0),
        "seed": graph.seed,
        "dtype": graph.dtype,
        "device": environment.device,
        "threads": environment.threads,
        "platform": environment.platform,
        "python": environment.python,
        "processor": environment.processor,
        "reused": [record.node.id for record in outcome.records if record.reused],
    }
    records = {record.node: record for record in outcome.records}
    content = {
        "run": run,
        "versions": dict(environment.versions),
        "sources": dict(environment.sources),
        "reads": dict(environment.reads),
        "files": {name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
        "nodes": {node.id: _locked_node(record, records) for node, record in records.items() if node.kind.built},
        "experiment": drop_none(to_jsonable(graph.resolved)),
    }
    return {CHECKSUM: checksum(content), **content}


def checksum(content: Mapping[str, Any]) -> str:
    """sha256 of what a lock says, its seal aside, however it is laid out."""
    said = {name: value for name, value in content.items() if name != CHECKSUM}
    return hashlib.sha256(json.dumps(said, sort_keys=True, default=str).encode()).hexdigest()


def _locked_node(record: Record, records: Mapping[Node, Record]) -> dict[str, Any]:
    """A node's end: its status, the key and the digest of its result, the digests of those it received."""
    received = {source.id: records[source].digest for source in upstream_nodes(record.node)}
    inputs = {name: digest for name, digest in received.items() if digest}
    told = {"key": record.key, "digest": record.digest, "inputs": inputs}
    return {"status": record.status, **{name: value for name, value in told.items() if value}}
