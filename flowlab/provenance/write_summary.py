"""summary.json: the claims, and every node's status, metrics and shortfall."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import attrs

from flowlab.engine.outcome import Outcome, Record
from flowlab.graph.graph import Graph
from flowlab.output.claims import collect_claims
from flowlab.output.jsonable import to_jsonable


def summary_content(graph: Graph, outcome: Outcome) -> dict[str, Any]:
    """The run in numbers, node by node under their kinds."""
    nodes: dict[str, dict[str, Any]] = defaultdict(dict)
    for record in outcome.records:
        nodes[record.node.kind.name][record.node.label] = node_entry(record)
    experiment = {
        "name": graph.name,
        "seed": graph.seed,
        "dtype": graph.dtype,
        "file": str(graph.path),
        "interrupted": outcome.interrupted,
    }
    return {
        "experiment": experiment,
        "claims": [to_jsonable(attrs.asdict(one)) for one in collect_claims(graph, outcome)],
        "nodes": dict(nodes),
        "seconds": round(outcome.seconds, 6),
    }


def node_entry(record: Record) -> dict[str, Any]:
    """One node's line of the summary."""
    return {
        "status": record.status,
        "use": record.node.use,
        "reused": record.reused,
        "seconds": round(record.seconds, 6),
        "metrics": to_jsonable(record.metrics),
        "shortfall": record.result.shortfall if record.result else None,
        "message": record.message or None,
        "variant": to_jsonable(record.node.variant),
    }
