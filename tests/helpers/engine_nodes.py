"""Nodes and graphs made by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from attrs import frozen

from flowlab.api import KINDS, parameter, reference
from flowlab.engine.checkpoints import Checkpoints
from flowlab.graph.graph import Graph
from flowlab.graph.node import Node
from flowlab.registry.entry_points import Entry
from flowlab.spec.experiment_settings import ExperimentSettings

NOWHERE = Checkpoints(Path("nowhere"))  # made when something is saved: never


@frozen
class Bank:
    """A made-up denoiser."""

    dataset: str = reference("dataset", help="points")
    width: int = parameter(5, help="neurons")


@frozen
class Judge:
    """Takes several banks."""

    denoiser: tuple[str, ...] = reference("denoiser", help="banks", many=True)


def node(kind: str, name: str, component: Any, inputs: Any = None, variant: Any = None) -> Node:
    """A node of a component that nobody registered."""
    return Node(
        kind=KINDS[kind],
        name=name,
        use="made-up",
        entry=Entry(kind, "made-up", "made:Up", "made", "1.0"),
        component=component,
        variant=variant or {},
        inputs=inputs or {},
    )


def graph_of(*nodes: Node) -> Graph:
    """A graph of nodes in the order given."""
    return Graph(Path("made.toml"), ExperimentSettings(name="made", seed=7), nodes, {})
