"""summary.json: the claims, and every node's status, metrics and shortfall."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import attrs

from flowlab.engine.outcome import Outcome, Record
from flowlab.graph.graph import Graph
from flowlab.output.claims import findings
from flowlab.output.plain import plain


def summary(graph: Graph, outcome: Outcome) -> dict[str, Any]:
    """The run in numbers, node by node under their kinds."""
    nodes: dict[str, dict[str, Any]] = defaultdict(dict)
    for record in outcome.records:
        nodes[record.node.kind.name][record.node.label] = entry(record)
    experiment = {
        "name": graph.name,
        "seed": graph.seed,
        "dtype": graph.dtype,
        "file": str(graph.path),
        "interrupted": outcome.interrupted,
    }
    return {
        "experiment": experiment,
        "claims": [plain(attrs.asdict(one)) for one in findings(graph, outcome)],
        "nodes": dict(nodes),
        "seconds": round(outcome.seconds, 6),
    }


def entry(record: Record) -> dict[str, Any]:
    """One node's line of the summary."""
    return {
        "status": record.status,
        "use": record.node.use,
        "reused": record.reused,
        "seconds": round(record.seconds, 6),
        "metrics": plain(record.metrics),
        "shortfall": record.result.shortfall if record.result else None,
        "message": record.message or None,
        "variant": plain(record.node.variant),
    }
