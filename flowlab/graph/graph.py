"""From an experiment file to a graph of nodes."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

import attrs
from attrs import frozen

from flowlab.api import Executor, ExperimentError, PluginError, Problem, Reference
from flowlab.graph.node import Node
from flowlab.graph.tables import Tables, check_size, read_tables
from flowlab.graph.variants import dangling_references, list_edges
from flowlab.registry.registry import Registry
from flowlab.spec.document import Document, read_document
from flowlab.spec.overrides import EXECUTOR, TRACKER, apply_overrides
from flowlab.spec.settings import ExperimentSettings
from flowlab.spec.structure import referenced_names
from flowlab.spec.sweep import Axis


@frozen
class Graph:
    """An experiment ready to run: nodes in an order in which each follows its inputs.

    `resolved` is the experiment as plain data with every default filled in, `text` the file as it was read.
    """

    path: Path
    settings: ExperimentSettings
    nodes: tuple[Node, ...]
    resolved: dict[str, Any]
    text: str = ""

    @property
    def name(self) -> str:
        """The experiment's name."""
        return self.settings.name

    @property
    def seed(self) -> int:
        """The experiment's seed; a node of a sweep over seeds has its own."""
        return self.settings.seed

    @property
    def dtype(self) -> str:
        """The precision of the theory."""
        return self.settings.dtype

    @property
    def threads(self) -> int | None:
        """The threads of one operation on the CPU; torch's own number if None."""
        return self.settings.threads

    @property
    def executor(self) -> Executor | None:
        """The executor that the experiment declares."""
        return next((node.component for node in self.nodes if node.kind.name == EXECUTOR), None)


def load_graph(path: Path, overrides: Sequence[str], registry: Registry) -> Graph:
    """Read, check and connect an experiment. Raises ExperimentError with all its mistakes, PluginError."""
    return build_graph(apply_overrides(read_document(path), overrides), registry)


def build_graph(document: Document, registry: Registry) -> Graph:
    """Check and connect a document. Raises ExperimentError with all its mistakes, PluginError."""
    found = read_tables(document, registry)
    problems = list(found.problems)
    ends = {one.id: list_edges(one, found.varied[one.id].values()) for one in found.declared}
    problems += dangling_references(found.declared, found.varied)
    order, circles = _order(ends)
    problems += [Problem(document.where(*node.split(".", 1)), message) for node, message in circles]
    if problems or found.settings is None:
        raise ExperimentError(_sorted(problems, document))
    relevant = _relevant(order, ends, found)
    check_size(found.axes, relevant, document)
    nodes = _connect(order, found, relevant)
    problems = [*_aside(nodes, document), *_misfits(nodes, document)]
    if problems:
        raise ExperimentError(_sorted(problems, document))
    resolved = _resolved(document, found, found.settings)
    return Graph(Path(document.path), found.settings, tuple(nodes), resolved, document.text)


def load_graphs(paths: Iterable[Path], overrides: Sequence[str], registry: Registry) -> tuple[Graph, ...]:
    """Load experiments. Raises ExperimentError with the mistakes of all of them, PluginError."""
    graphs: list[Graph] = []
    problems: dict[Problem, None] = {}
    for path in paths:
        try:
            graphs.append(load_graph(path, overrides, registry))
        except ExperimentError as error:
            problems |= dict.fromkeys(error.problems)
    if problems:
        raise ExperimentError(list(problems))
    return tuple(graphs)


def _order(edges: Mapping[str, Mapping[str, set[Reference]]]) -> tuple[list[str], list[tuple[str, str]]]:
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
    order: list[str], edges: Mapping[str, Mapping[str, set[Reference]]], found: Tables
) -> dict[str, list[int]]:
    """For each node the axes that touch it or an ancestor, but for what it gathers.

    Seeds touch what is computed of nothing that is computed; all else has its seed from there.
    """
    seeds = [i for i, axis in enumerate(found.axes) if axis.seeds]
    computed = {one.id for one in found.declared if one.kind.built}
    relevant: dict[str, list[int]] = {}
    for node in order:
        inherited = {
            axis
            for end, references in edges[node].items()
            for axis in relevant[end]
            if any(reference.repeats(axis in seeds) for reference in references)
        }
        drawn = seeds if node in computed and not computed & edges[node].keys() else ()
        relevant[node] = sorted({*found.touching[node], *inherited, *drawn})
    return relevant


def _connect(order: list[str], found: Tables, relevant: Mapping[str, list[int]]) -> list[Node]:
    """One node for each setting of a declaration's relevant axes."""
    built: dict[tuple[str, tuple[int, ...]], Node] = {}
    declared = {one.id: one for one in found.declared}
    axes = found.axes
    for one in map(declared.__getitem__, order):
        mine = relevant[one.id]
        # pictures of one seed do: those that show several gather them
        first = {i: 0 for i in mine if axes[i].seeds} if one.kind.shown else {}
        for chosen in _settings(mine, first, axes):
            setting = dict(zip(mine, chosen, strict=True))
            component = found.components[one.id][tuple(setting[i] for i in found.touching[one.id])]
            inputs = {
                field: tuple(
                    built[end, there]
                    for end in (f"{reference.kind}.{name}" for name in names)
                    for there in _settings(relevant[end], setting, axes)
                )
                for field, reference, names in referenced_names(
                    type(component), attrs.asdict(component, recurse=False)
                )
            }
            variant = {path: value for i in mine for path, value in axes[i].settings[setting[i]].items()}
            built[one.id, chosen] = Node(one.kind, one.name, one.use, one.entry, component, variant, inputs)
    return list(built.values())


def _aside(nodes: Iterable[Node], document: Document) -> Iterator[Problem]:
    """What is wrong with executors and trackers, on which no result rests."""
    for kind, article in ((EXECUTOR, "an"), (TRACKER, "a")):
        declared = {node.name: node for node in nodes if node.kind.name == kind}
        for number, node in enumerate(declared.values()):
            rule = None
            if node.variant:
                rule = (
                    f"{article} {kind} can't be swept: it is one for the whole experiment, and changes no result"
                )
            elif number and kind == EXECUTOR:
                rule = "a second executor: an experiment has one at most"
            if rule:
                yield Problem(document.where(kind, node.name), rule)


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


def _resolved(document: Document, found: Tables, settings: ExperimentSettings) -> dict[str, Any]:
    """The experiment with its defaults, as data that TOML can hold."""
    resolved: dict[str, Any] = {"experiment": _full_table(settings)}
    for declaration in found.declared:
        table = {"use": declaration.use, **_full_table(found.written[declaration.id])}
        resolved.setdefault(declaration.kind.name, {})[declaration.name] = table
    if "sweep" in document.data:
        resolved["sweep"] = document.data["sweep"]
    return resolved


def _full_table(component: Any) -> dict[str, Any]:
    values = attrs.asdict(component, recurse=False)
    return {key: _plain(value) for key, value in values.items() if value is not None}


def _plain(value: Any) -> Any:
    return [_plain(item) for item in value] if isinstance(value, tuple) else value
