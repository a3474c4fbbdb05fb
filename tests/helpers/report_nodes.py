"""Nodes, graphs and outcomes made by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flowlab.api import KINDS, Result
from flowlab.engine.outcome import Outcome, Record
from flowlab.graph.graph import Graph
from flowlab.graph.node import Node
from flowlab.provenance.environment import Environment
from flowlab.registry.entry_points import Entry
from flowlab.spec.experiment_settings import ExperimentSettings

ENVIRONMENT = Environment(
    platform="Linux",
    python="3.11.7",
    processor="AVX2",
    device="cpu",
    threads=1,
    versions={"flowlab": "0.1.0", "made": "1.0"},
    sources={"flowlab": "0" * 64},
    reads={},
)


def node(kind: str, name: str, variant: Any = None) -> Node:
    """A node of a component that nobody registered."""
    return Node(
        kind=KINDS[kind],
        name=name,
        use="made-up",
        entry=Entry(kind, "made-up", "made:Up", "made", "1.0"),
        component=None,
        variant=variant or {},
        inputs={},
    )


def done(kind: str, name: str, variant: Any = None, **result: Any) -> Record:
    """The record of a node that worked."""
    short = result.get("shortfall") is not None
    made = Result(result.pop("value", None), **result)
    return Record(node(kind, name, variant), "short" if short else "done", made, seconds=0.5)


def failed(kind: str, name: str) -> Record:
    """The record of a node that didn't."""
    return Record(node(kind, name), "failed", message="no such thing", seconds=0.1)


def outcome_of(*records: Record) -> Outcome:
    """An outcome of two seconds."""
    return Outcome(records, 2.0)


def graph_of(outcome: Outcome) -> Graph:
    """The graph behind an outcome."""
    return Graph(
        path=Path("made.toml"),
        settings=ExperimentSettings(name="made", seed=7),
        nodes=tuple(record.node for record in outcome.records),
        resolved={"experiment": {"name": "made", "seed": 7, "note": None}},
    )
