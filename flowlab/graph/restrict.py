"""A part of an experiment: some nodes, and what they need."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from attrs import evolve

from flowlab.api import ExperimentError, Problem
from flowlab.api.nearest_name import nearest
from flowlab.api.node_label import SEED
from flowlab.graph.graph import Graph
from flowlab.graph.node import Node
from flowlab.spec.overrides import EXECUTOR, TRACKER


def restrict_graph(graph: Graph, names: Sequence[str]) -> Graph:
    """The graph of the nodes `kind.name`, in all their settings, of what they need, and of what their sweeps vary.

    It is the graph of a smaller file, which `resolved` holds. The executor and the trackers stay. The whole graph
    without names. Raises ExperimentError for a name that there is not.
    """
    if not names:
        return graph
    declared = dict.fromkeys(node.declared for node in graph.nodes)
    problems = [
        Problem(str(graph.path), f"there is no node {name!r} (kind.name)", nearest(name, declared))
        for name in names
        if name not in declared
    ]
    if problems:
        raise ExperimentError(problems)
    tools = {node.declared for node in graph.nodes if node.kind.name in (EXECUTOR, TRACKER)}
    kept = tools | _needed(graph.nodes, names)
    nodes = tuple(node for node in graph.nodes if node.declared in kept)
    seeded = any(SEED in node.variant for node in nodes)
    return evolve(graph, nodes=nodes, resolved=_restrict_tables(graph.resolved, kept, seeded))


def _needed(nodes: Sequence[Node], names: Iterable[str]) -> set[str]:
    """The names of nodes, of all that they are made of, and of the nodes whose keys their sweeps vary."""
    needs: dict[str, set[str]] = {}
    for node in nodes:
        sources = {source.declared for group in node.inputs.values() for source in group}
        swept = {path.rpartition(".")[0] for path in node.variant if path != SEED}
        needs.setdefault(node.declared, set()).update(sources, swept)
    needed: set[str] = set()
    stack = list(names)
    while stack:
        name = stack.pop()
        if name not in needed:
            needed.add(name)
            stack += needs.get(name, ())
    return needed


def _restrict_tables(resolved: Mapping[str, Any], kept: set[str], seeded: bool) -> dict[str, Any]:
    """The tables of these nodes, the sweeps that vary them, and the seeds if some of them are repeated at each."""
    tables: dict[str, Any] = {}
    for kind, table in resolved.items():
        if kind == "experiment":
            tables[kind] = table if seeded else {**table, "seeds": 1}
            continue
        part = {
            name: content
            for name, content in table.items()
            if (_varies(content, kept, seeded) if kind == "sweep" else f"{kind}.{name}" in kept)
        }
        tables |= {kind: part} if part else {}
    return tables


def _varies(sweep: Iterable[str], kept: set[str], seeded: bool) -> bool:
    """Whether a sweep varies some of the nodes, or the seed of some."""
    return any(seeded if path == SEED else path.rpartition(".")[0] in kept for path in sweep)
