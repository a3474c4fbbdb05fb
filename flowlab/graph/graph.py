"""From an experiment file to a graph of nodes."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

import attrs
from attrs import frozen

from flowlab.api import ExperimentError, PluginError, Problem
from flowlab.graph.declaration import Declaration, declarations, experiment_problems
from flowlab.graph.node import Node
from flowlab.graph.variants import dangling, edges, structured, variants
from flowlab.registry.registry import Registry
from flowlab.spec.document import Document, read
from flowlab.spec.overrides import override
from flowlab.spec.structure import named
from flowlab.spec.sweep import MOST, Axis, sweeps


@frozen
class Graph:
    """An experiment ready to run: nodes in an order in which each follows its inputs.

    `resolved` is the experiment as plain data with every default filled in.
    """

    path: Path
    name: str
    seed: int
    dtype: str
    nodes: tuple[Node, ...]
    resolved: dict[str, Any]


def load(path: Path, overrides: Sequence[str], registry: Registry) -> Graph:
    """Read, check and connect an experiment. Raises ExperimentError with all its mistakes, PluginError."""
    document = override(read(path), overrides)
    problems = list(experiment_problems(document))
    declared, faults = declarations(document, registry)
    axes, sweep_faults = sweeps(document)
    problems += faults + sweep_faults
    touching = {one.id: [i for i, axis in enumerate(axes) if one.id in axis.nodes] for one in declared}
    _limit(axes, touching, document)
    varied = {one.id: dict(variants(one, document, axes, touching[one.id])) for one in declared}
    components: dict[str, dict[tuple[int, ...], Any]] = {}
    for one in declared:
        components[one.id], faults = structured(one, varied[one.id])
        problems += faults
    ends = {one.id: edges(one, varied[one.id].values()) for one in declared}
    problems += dangling(declared, varied)
    order, circles = _order(ends)
    problems += [Problem(document.where(*node.split(".", 1)), message) for node, message in circles]
    if problems:
        raise ExperimentError(_sorted(problems, document))
    relevant = _relevant(order, ends, touching)
    _limit(axes, relevant, document)
    ids = {one.id: one for one in declared}
    nodes = _connect([ids[key] for key in order], components, relevant, axes, touching)
    problems = list(_misfits(nodes, document))
    if problems:
        raise ExperimentError(_sorted(problems, document))
    settings = document.data["experiment"]
    return Graph(
        path,
        settings["name"],
        settings.get("seed", 0),
        settings.get("dtype", "float64"),
        tuple(nodes),
        _resolved(document, declared, components),
    )


def load_all(paths: Iterable[Path], overrides: Sequence[str], registry: Registry) -> tuple[Graph, ...]:
    """Load experiments. Raises ExperimentError with the mistakes of all of them, PluginError."""
    graphs: list[Graph] = []
    problems: dict[Problem, None] = {}
    for path in paths:
        try:
            graphs.append(load(path, overrides, registry))
        except ExperimentError as error:
            problems |= dict.fromkeys(error.problems)
    if problems:
        raise ExperimentError(list(problems))
    return tuple(graphs)


def _limit(axes: tuple[Axis, ...], varying: Mapping[str, list[int]], document: Document) -> None:
    """Count nodes before building them. Raises ExperimentError for more than anybody means to compute."""
    total = sum(math.prod(len(axes[i].settings) for i in mine) for mine in varying.values())
    if total > MOST:
        name = axes[0].name if axes else ""
        where = document.where("sweep", name) if name else document.where("experiment")
        raise ExperimentError([Problem(where, f"the experiment makes {total} nodes; at most {MOST}")])


def _order(edges: Mapping[str, Mapping[str, bool]]) -> tuple[list[str], list[tuple[str, str]]]:
    """The nodes in topological order, and the circles of references there are."""
    left = {node: sorted(ends.keys() & edges.keys()) for node, ends in edges.items()}
    circles: list[tuple[str, str]] = []
    while True:
        try:
            return list(TopologicalSorter(left).static_order()), circles
        except CycleError as error:
            circle = list(reversed(error.args[1]))
            circles.append((circle[0], "a circle of references: " + " -> ".join(circle)))
            # without these nodes other circles, if any, can be seen
            left = {
                node: [end for end in ends if end not in circle]
                for node, ends in left.items()
                if node not in circle
            }


def _relevant(
    order: list[str], edges: Mapping[str, Mapping[str, bool]], touching: Mapping[str, list[int]]
) -> dict[str, list[int]]:
    """For each node the axes that touch it or an ancestor, but for what it gathers."""
    relevant: dict[str, list[int]] = {}
    for node in order:
        inherited = (axis for end, repeated in edges[node].items() if repeated for axis in relevant[end])
        relevant[node] = sorted({*touching[node], *inherited})
    return relevant


def _connect(
    declared: list[Declaration],
    components: Mapping[str, Mapping[tuple[int, ...], Any]],
    relevant: Mapping[str, list[int]],
    axes: tuple[Axis, ...],
    touching: Mapping[str, list[int]],
) -> list[Node]:
    """One node for each setting of a declaration's relevant axes."""
    built: dict[tuple[str, tuple[int, ...]], Node] = {}
    for one in declared:
        mine = relevant[one.id]
        for chosen in _settings(mine, {}, axes):
            setting = dict(zip(mine, chosen, strict=True))
            component = components[one.id][tuple(setting[i] for i in touching[one.id])]
            inputs = {
                field: tuple(
                    built[end, there]
                    for end in (f"{reference.kind}.{name}" for name in names)
                    for there in _settings(relevant[end], setting, axes)
                )
                for field, reference, names in named(type(component), attrs.asdict(component, recurse=False))
            }
            variant = {path: value for i in mine for path, value in axes[i].settings[setting[i]].items()}
            built[one.id, chosen] = Node(one.kind, one.name, one.use, one.entry, component, variant, inputs)
    return list(built.values())


def _settings(mine: list[int], fixed: Mapping[int, int], axes: tuple[Axis, ...]) -> Iterator[tuple[int, ...]]:
    """The settings of a node's axes, of those that are not fixed every one."""
    return itertools.product(*((fixed[i],) if i in fixed else range(len(axes[i].settings)) for i in mine))


def _misfits(nodes: list[Node], document: Document) -> Iterator[Problem]:
    """What the components' own checks find. Raises PluginError where a check breaks."""
    said = set()
    for node in nodes:
        check = getattr(node.component, "check", None)
        if check is None:
            continue
        try:
            misfits = [(misfit.field, misfit.message) for misfit in check(node.inputs)]
        except Exception as error:  # a plugin's check may raise anything
            owner = node.entry.distribution
            raise PluginError(
                f"the check of {node.kind.name} {node.use!r} ({owner}) broke: {type(error).__name__}: {error}"
            ) from error
        for field, message in misfits:
            problem = Problem(document.where(node.kind.name, node.name, field), f"{field}: {message}")
            if problem not in said:
                said.add(problem)
                yield problem


def _sorted(problems: list[Problem], document: Document) -> list[Problem]:
    return sorted(problems, key=lambda problem: document.order(problem.where))


def _resolved(
    document: Document, declared: list[Declaration], components: Mapping[str, Mapping[Any, Any]]
) -> dict[str, Any]:
    """The experiment with its defaults, as data that TOML can hold."""
    resolved: dict[str, Any] = {"experiment": {"seed": 0, "dtype": "float64", **document.data["experiment"]}}
    for one in declared:
        component = next(iter(components[one.id].values()))
        values = attrs.asdict(component, recurse=False)
        table = {"use": one.use, **{key: _plain(value) for key, value in values.items() if value is not None}}
        resolved.setdefault(one.kind.name, {})[one.name] = table
    if "sweep" in document.data:
        resolved["sweep"] = document.data["sweep"]
    return resolved


def _plain(value: Any) -> Any:
    return [_plain(item) for item in value] if isinstance(value, tuple) else value
