"""One figure of a finished run, drawn again from stored results."""

from __future__ import annotations

from pathlib import Path

from attrs import asdict, evolve

from flowlab.api import ExperimentError, NodeError, Problem
from flowlab.api.fields import key_groups
from flowlab.api.kinds.figure import FigureLook
from flowlab.api.nearest_name import nearest
from flowlab.engine.cache.content_digests import ContentDigests
from flowlab.engine.cache.key import CacheKeys
from flowlab.engine.cache.store import STORE_VARIABLE, Store
from flowlab.engine.device import resolve_device
from flowlab.engine.format_error import format_error
from flowlab.engine.inputs import ancestors
from flowlab.engine.outcome import Record
from flowlab.engine.progress.choose import open_listener
from flowlab.engine.run import run_graph
from flowlab.engine.threads import thread_count
from flowlab.graph.graph import Graph
from flowlab.graph.node import Node
from flowlab.output.figures import draw_figure
from flowlab.output.file_names import to_file_name
from flowlab.output.run_folder import write_file
from flowlab.provenance.lock_file import LockFile
from flowlab.provenance.summary import RunSummary
from flowlab.registry.registry import Registry

_LONG = 1.0  # seconds that nobody minds to wait


def redraw_figure(folder: Path, name: str, form: str, look: FigureLook, out: Path | None, recompute: bool) -> Path:
    """Write a figure in a format, with another look where `look` says so; the file's path.

    Its inputs come from the run's store, and are made of the files as the run read them. Raises ExperimentError
    where the run has no such figure or the figure no such look, or where what took long would have to be computed
    again and `recompute` is off; NodeError, OutputError.
    """
    locked = LockFile.read(folder)
    summary = locked.require_summary()
    graph = locked.graph(Registry.installed(), run_checks=False)
    figures = {node.label: node for node in graph.nodes if node.kind.name == "figure"}
    if name not in figures:
        rule = f"the run has no figure {name!r}, but {', '.join(figures) or 'none at all'}"
        raise ExperimentError([Problem(str(folder), rule, nearest(name, figures))])
    figure = _with_look(figures[name], look)
    parts = {figures[name], *ancestors(figures[name])}
    needed = evolve(
        graph,
        nodes=tuple(figure if node is figures[name] else node for node in graph.nodes if node in parts),
        settings=evolve(graph.settings, threads=locked.environment.threads),
    )
    device, store = locked.environment.device, Store.beside(locked.runs_folder)
    digests = ContentDigests.of_files(locked.digests_of_files(graph.folder))
    if not recompute:
        _require_stored(locked, summary, needed, store, digests)
    with open_listener(quiet=not recompute) as listener:
        outcome = run_graph(needed, device, listener, store=store, digests=digests)
    for record in outcome.records:
        if not record.finished and record.node.kind.built:
            raise NodeError(f"{record.node.id} {record.status}: {record.message}")
    path = out or Path(f"{to_file_name(name)}.{form}")
    write_file(path, _draw(outcome.records[-1], form))
    return path


def _require_stored(
    locked: LockFile, summary: RunSummary, graph: Graph, store: Store, digests: ContentDigests
) -> None:
    """Refuse what took long and isn't stored any more. Raises ExperimentError."""
    nodes = summary.built_nodes
    device = resolve_device(locked.environment.device).type
    keys = CacheKeys(graph.seed, graph.dtype, device, thread_count(graph), digests)
    missing = []
    for node in graph.nodes:
        former = nodes.get(node.id)
        long = former is not None and (former.reused or former.seconds >= _LONG)
        if node.kind.name != "figure" and long and not store.path(keys.of(node)).exists():
            missing.append(node.id)
    if missing:
        remedy = f"name the folder that has it in {STORE_VARIABLE}, or compute it with --recompute"
        rule = f"not stored in {store.folder}: {', '.join(missing)}; {remedy}"
        hint = f"'flowlab explain' with the experiment's file and {missing[0]} tells why"
        raise ExperimentError([Problem(str(locked.folder), f"{rule} ({hint})")])


def _with_look(node: Node, look: FigureLook) -> Node:
    """The figure's node with the parts of a look that are not None.

    Raises ExperimentError for a component without a look, or a style that is not there.
    """
    changes = {name: value for name, value in asdict(look, recurse=False).items() if value is not None}
    if not changes:
        return node
    fields = [name for name, shape in key_groups(type(node.component)).items() if shape is FigureLook]
    if not fields:
        raise ExperimentError([Problem(node.id, f"{node.use!r} has no keys {', '.join(changes)}")])
    if issues := [Problem(f"--{issue.field}", issue.message) for issue in look.check({})]:
        raise ExperimentError(issues)
    former: FigureLook = getattr(node.component, fields[0])
    return evolve(node, component=evolve(node.component, **{fields[0]: evolve(former, **changes)}))


def _draw(record: Record, form: str) -> bytes:
    """The picture's file. Raises NodeError for one that can't be drawn."""
    try:
        return draw_figure(record, form)
    except Exception as error:  # text is laid out at drawing, so a component's mistake can surface here
        raise NodeError(f"{record.node.id} can't be drawn: {format_error(error)}") from error
