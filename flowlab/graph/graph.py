"""From an experiment file to a graph of nodes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
from attrs import frozen

from flowlab.api import Executor, ExperimentError, PluginError, Problem
from flowlab.api.fields import key_groups
from flowlab.api.node_label import SEED
from flowlab.graph.connect import connect_nodes, order_nodes, relevant_axes
from flowlab.graph.memory import find_oversized, machine_memory
from flowlab.graph.node import Node
from flowlab.graph.tables import Tables, check_size, read_tables
from flowlab.graph.value_type_check import find_type_mismatches
from flowlab.graph.variants import dangling_references, list_edges
from flowlab.registry.registry import Registry
from flowlab.spec.document import Document
from flowlab.spec.experiment_settings import ExperimentSettings
from flowlab.spec.extends import read_experiment
from flowlab.spec.node_settings import NODE_SEED
from flowlab.spec.overrides import EXECUTOR, TRACKER, apply_overrides


@frozen
class Graph:
    """An experiment ready to run: nodes in an order in which each follows its inputs.

    `resolved` is the experiment as plain data with every default filled in, `text` the file as it was read, after
    the files that it extends. Relative paths in `resolved` start at `folder`; those of the nodes can be opened.
    """

    path: Path
    settings: ExperimentSettings
    nodes: tuple[Node, ...]
    resolved: dict[str, Any]
    text: str = ""
    folder: Path = Path()

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
    document = read_experiment(path)
    if _is_lock(document):
        rule = f"this is a lock file, not an experiment: 'flowlab rerun {path}' runs what it holds"
        raise ExperimentError([Problem(document.where(), rule)])
    return build_graph(apply_overrides(document, overrides), registry)


def build_graph(document: Document, registry: Registry, run_checks: bool = True) -> Graph:
    """Check and connect a document. Raises ExperimentError with all its mistakes, PluginError.

    Without `run_checks` the components' own checks are left out: one that ran before needs no files to be read.
    """
    tables = read_tables(document, registry)
    problems = list(tables.problems)
    edges = {
        declaration.id: list_edges(declaration, tables.varied[declaration.id].values())
        for declaration in tables.declared
    }
    problems += dangling_references(tables.declared, tables.varied)
    order, circles = order_nodes(edges)
    problems += [Problem(document.where(*node.split(".", 1)), message) for node, message in circles]
    if problems or tables.settings is None:
        raise ExperimentError(_sorted(problems, document))
    relevant = relevant_axes(order, edges, tables)
    if idle := next(_idle_seeds(tables, relevant, document), None):
        raise ExperimentError([idle])
    check_size(tables.axes, relevant, document)
    nodes = connect_nodes(order, tables, relevant, document.folder)
    problems = [
        *_misplaced_tools(nodes, document),
        *find_type_mismatches(nodes, document, registry),
        *find_oversized(nodes, document, None if _has_executor(nodes) else machine_memory()),
        *(_run_checks(nodes, document) if run_checks else ()),
    ]
    if problems:
        raise ExperimentError(_sorted(problems, document))
    resolved = _resolved(document, tables, tables.settings)
    return Graph(Path(document.path), tables.settings, tuple(nodes), resolved, document.text, document.folder)


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


def _is_lock(document: Document) -> bool:
    """Whether it is the lock of a run, which has its experiment one table deeper."""
    experiment = document.data.get("experiment")
    return (
        "run" in document.data and isinstance(experiment, dict) and isinstance(experiment.get("experiment"), dict)
    )


def _idle_seeds(tables: Tables, relevant: Mapping[str, list[int]], document: Document) -> Iterator[Problem]:
    """A sweep over seeds that repeats nothing."""
    for index, axis in enumerate(tables.axes):
        if axis.seeds and tables.declared and not any(index in own for own in relevant.values()):
            path = (
                ("sweep", axis.name, SEED)
                if axis.name in document.data.get("sweep", {})
                else ("experiment", "seeds")
            )
            yield Problem(
                document.where(*path), "no node is repeated: each has a seed of its own, or computes nothing"
            )


def _misplaced_tools(nodes: Iterable[Node], document: Document) -> Iterator[Problem]:
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


def _has_executor(nodes: Iterable[Node]) -> bool:
    """Whether nodes may run on another machine."""
    return any(node.kind.name == EXECUTOR for node in nodes)


def _run_checks(nodes: list[Node], document: Document) -> Iterator[Problem]:
    """What the components' own checks find. Raises PluginError where a check breaks."""
    seen = set()
    for node in nodes:
        parts = (node.component, *(getattr(node.component, name) for name in key_groups(type(node.component))))
        checks = [part.check for part in parts if hasattr(part, "check")]
        try:
            issues = [(issue.field, issue.message) for check in checks for issue in check(node.inputs)]
        except Exception as error:  # a plugin's check may raise anything
            owner = node.entry.distribution
            raise PluginError(
                f"the check of {node.kind.name} {node.use!r} ({owner}) broke: {type(error).__name__}: {error}"
            ) from error
        for field, message in issues:
            problem = Problem(document.where(node.kind.name, node.name, field), f"{field}: {message}")
            if problem not in seen:
                seen.add(problem)
                yield problem


def _sorted(problems: list[Problem], document: Document) -> list[Problem]:
    return sorted(problems, key=lambda problem: document.order(problem.where))


def _resolved(document: Document, tables: Tables, settings: ExperimentSettings) -> dict[str, Any]:
    """The experiment with its defaults, as data that TOML can hold."""
    resolved: dict[str, Any] = {"experiment": _full_table(settings)}
    for declaration in tables.declared:
        seed = tables.written_seeds.get(declaration.id)
        pinned = {} if seed is None else {NODE_SEED: seed}
        table = {"use": declaration.use, **pinned, **_full_table(tables.written[declaration.id])}
        resolved.setdefault(declaration.kind.name, {})[declaration.name] = table
    if "sweep" in document.data:
        resolved["sweep"] = document.data["sweep"]
    return resolved


def _full_table(component: Any) -> dict[str, Any]:
    table: dict[str, Any] = {}
    for key, value in attrs.asdict(component, recurse=False).items():
        if key in key_groups(type(component)):
            table |= _full_table(value)
        elif value is not None:
            table[key] = _plain(value)
    return table


def _plain(value: Any) -> Any:
    return [_plain(item) for item in value] if isinstance(value, tuple) else value
