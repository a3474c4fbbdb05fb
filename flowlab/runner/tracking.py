"""The trackers of a run: they get its events, and a tracker that fails doesn't stop the run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from operator import methodcaller
from pathlib import Path
from typing import Any

from attrs import define, evolve, field, frozen

from flowlab.api import TrackedRun
from flowlab.engine.format_error import format_error
from flowlab.engine.outcome import Outcome, Record
from flowlab.engine.progress.listener import Listener
from flowlab.graph.graph import Graph
from flowlab.graph.node import Node
from flowlab.output.figures import figure_stems
from flowlab.output.jsonable import to_jsonable
from flowlab.output.terminal import warn
from flowlab.spec.overrides import TRACKER


def tracker_folders(graph: Graph) -> tuple[str, ...]:
    """The folders of a run that its trackers write."""
    return tuple(folder for node in _trackers(graph) for folder in getattr(node.component, "writes", tuple)())


def without_trackers(graph: Graph) -> Graph:
    """The graph with no trackers in what other processes receive: they need not have them installed."""
    return evolve(graph, resolved={kind: nodes for kind, nodes in graph.resolved.items() if kind != TRACKER})


@contextmanager
def open_trackers(graph: Graph, folder: Path) -> Iterator[Trackers]:
    """Open a graph's trackers for a run that fills a folder, and close them at its end."""
    trackers = Trackers()
    settings = to_jsonable(without_trackers(graph).resolved)
    with ExitStack() as stack:
        for node in _trackers(graph):
            with _warn_of_errors(node.id):
                manager = node.component.begin(graph.name, settings, folder)
                trackers.open[node.id] = manager.__enter__()
                stack.push(partial(_end, node.id, manager))
        yield trackers


@frozen
class Trackers:
    """The trackers that haven't failed, by node."""

    open: dict[str, TrackedRun] = field(factory=dict)

    def hearing(self, listener: Listener) -> TrackingListener:
        """A listener of which they hear as well."""
        return TrackingListener(listener, self)

    def figures(self, outcome: Outcome, folder: Path) -> None:
        """Send the figures that were written to the run's folder."""
        for node, stem in figure_stems(outcome).items() if self.open else ():
            png = (folder / f"{stem}.png").read_bytes()
            self.send(methodcaller("figure", node.id, png))

    def send(self, event: Callable[[TrackedRun], None]) -> None:
        """Send an event to all; one that raises gets no more."""
        for name, tracking in tuple(self.open.items()):
            try:
                event(tracking)
            except Exception as error:
                del self.open[name]
                _warn(name, error)


@define
class TrackingListener:
    """A listener, and the trackers that hear of progress and results."""

    listener: Listener
    trackers: Trackers
    _node: str = ""

    def begun(self, nodes: Sequence[Node]) -> None:
        """Pass it on."""
        self.listener.begun(nodes)

    def started(self, node: Node) -> None:
        """Pass it on."""
        self._node = node.id
        self.listener.started(node)

    def progressed(self, done: int, total: int, figures: Mapping[str, float]) -> None:
        """Send the figures on."""
        self.listener.progressed(done, total, figures)
        if figures:
            self.trackers.send(methodcaller("scalars", self._node, done, dict(figures)))

    def resumed(self, done: int, total: int) -> None:
        """Pass it on."""
        self.listener.resumed(done, total)

    def warned(self, message: str) -> None:
        """Pass it on."""
        self.listener.warned(message)

    def finished(self, record: Record) -> None:
        """Send the metrics on."""
        self.listener.finished(record)
        if record.finished:
            self.trackers.send(methodcaller("finished", record.node.id, to_jsonable(record.metrics)))


def _trackers(graph: Graph) -> tuple[Node, ...]:
    return tuple(node for node in graph.nodes if node.kind.name == TRACKER)


def _end(name: str, manager: Any, *raised: Any) -> bool:
    """Close a tracker's context: it receives the exception that ends the run, but can't suppress it."""
    with _warn_of_errors(name):
        manager.__exit__(*raised)
    return False


@contextmanager
def _warn_of_errors(name: str) -> Iterator[None]:
    """A tracker's defect is a warning."""
    try:
        yield
    except Exception as error:
        _warn(name, error)


def _warn(name: str, error: Exception) -> None:
    warn(f"{name}: {format_error(error)}; it gets no more events, and the run goes on")
