"""Declarations and their references as nodes: in order, one for each setting of the sweeps that reach them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import attrs

from flowlab.api import Reference
from flowlab.graph.node import Node
from flowlab.graph.tables import Tables
from flowlab.spec.file_paths import locate_files
from flowlab.spec.structure import referenced_names
from flowlab.spec.sweep import Axis


def order_nodes(edges: Mapping[str, Mapping[str, set[Reference]]]) -> tuple[list[str], list[tuple[str, str]]]:
    """The nodes in topological order, and the circles of references there are."""
    left = {node: sorted(targets.keys() & edges.keys()) for node, targets in edges.items()}
    circles: list[tuple[str, str]] = []
    while True:
        try:
            return list(TopologicalSorter(left).static_order()), circles
        except CycleError as error:
            circle = list(reversed(error.args[1]))
            circles.append((circle[0], "a circle of references: " + " -> ".join(circle)))
            # without these nodes other circles, if any, can be seen
            left = {
                node: [target for target in targets if target not in circle]
                for node, targets in left.items()
                if node not in circle
            }


def relevant_axes(
    order: list[str], edges: Mapping[str, Mapping[str, set[Reference]]], tables: Tables
) -> dict[str, list[int]]:
    """For each node the axes that touch it or an ancestor, but for what it gathers.

    Seeds touch what is computed of nothing that is computed, and what is made of nodes that would have them but
    for a pinned seed (pictures aside, which draw no numbers). They do not touch a pinned node. All else has its
    seed from these.
    """
    seeds = [i for i, axis in enumerate(tables.axes) if axis.seeds]
    computed = {declaration.id for declaration in tables.declared if declaration.kind.built}
    shown = {declaration.id for declaration in tables.declared if declaration.kind.shown}
    pinned = {node for node, of_variants in tables.seeds.items() if set(of_variants.values()) - {None}}
    held: set[str] = set()  # nodes that no seed repeats because they, or what they are made of, are pinned
    relevant: dict[str, list[int]] = {}
    for node in order:
        inherited = {
            axis
            for end, references in edges[node].items()
            for axis in relevant[end]
            if any(reference.repeats(axis in seeds) for reference in references)
        }
        open_to_seeds = not computed & edges[node].keys() or any(
            end in held and node not in shown and any(reference.repeats(True) for reference in references)
            for end, references in edges[node].items()
        )
        drawn: Iterable[int] = ()
        if node in computed and open_to_seeds and not inherited.intersection(seeds):
            if node in pinned:
                held.add(node)
            else:
                drawn = seeds
        relevant[node] = sorted({*tables.touching[node], *inherited, *drawn})
    return relevant


def connect_nodes(order: list[str], tables: Tables, relevant: Mapping[str, list[int]], folder: Path) -> list[Node]:
    """One node for each setting of a declaration's relevant axes. Relative paths start at `folder`."""
    nodes: dict[tuple[str, tuple[int, ...]], Node] = {}
    declared = {declaration.id: declaration for declaration in tables.declared}
    axes = tables.axes
    for declaration in map(declared.__getitem__, order):
        own = relevant[declaration.id]
        # pictures of one seed do: those that show several gather them
        first = {i: 0 for i in own if axes[i].seeds} if declaration.kind.shown else {}
        for chosen in _settings(own, first, axes):
            setting = dict(zip(own, chosen, strict=True))
            touched = tuple(setting[i] for i in tables.touching[declaration.id])
            component = tables.components[declaration.id][touched]
            inputs = {
                field: tuple(
                    nodes[end, there]
                    for end in (f"{reference.kind}.{name}" for name in names)
                    for there in _settings(relevant[end], setting, axes)
                )
                for field, reference, names in referenced_names(
                    type(component), attrs.asdict(component, recurse=False)
                )
            }
            variant = {path: value for i in own for path, value in axes[i].settings[setting[i]].items()}
            nodes[declaration.id, chosen] = Node(
                declaration.kind,
                declaration.name,
                declaration.use,
                declaration.entry,
                locate_files(component, folder),
                variant,
                inputs,
                tables.seeds[declaration.id][touched],
                math.prod(len(axes[i].settings) for i in first),
            )
    return list(nodes.values())


def _settings(own: list[int], fixed: Mapping[int, int], axes: tuple[Axis, ...]) -> Iterator[tuple[int, ...]]:
    """The settings of a node's axes, of those that are not fixed every one."""
    return itertools.product(*((fixed[i],) if i in fixed else range(len(axes[i].settings)) for i in own))
