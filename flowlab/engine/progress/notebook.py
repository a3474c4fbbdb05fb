"""Progress bars in a notebook: one for the run, one for each node at work, and a line for what went wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from html import escape
from time import monotonic

from attrs import define, field

from flowlab.engine.outcome import Record
from flowlab.engine.progress.lines import format_end, format_figures, format_resume
from flowlab.graph.node import Node

_INTERVAL = 0.2  # seconds between two updates for reports of progress
_MOST_BARS = 8


@define
class NodeBar:
    """A node at work, and what it last reported."""

    done: int = 0
    total: int = 0
    figures: Mapping[str, float] = field(factory=dict)


@define
class NotebookListener:
    """Calls `publish` with the HTML that takes the place of the former."""

    publish: Callable[[str], None]
    now: Callable[[], float] = monotonic
    _total: int = field(default=0, init=False)
    _ended: int = field(default=0, init=False)
    _reused: int = field(default=0, init=False)
    _bars: dict[str, NodeBar] = field(factory=dict, init=False)
    _lines: list[str] = field(factory=list, init=False)
    _published: float = field(default=float("-inf"), init=False)

    def begun(self, nodes: Sequence[Node]) -> None:
        """Count the nodes that do work."""
        self._total = sum(node.kind.built for node in nodes)
        self._update()

    def started(self, node: Node) -> None:
        """A bar more; tools do no work and pass unmentioned."""
        if node.kind.built:
            self._bars[node.id] = NodeBar()
            self._update_now_and_then()

    def progressed(self, done: int, total: int, figures: Mapping[str, float]) -> None:
        """The bar that came last moves."""
        if self._bars:
            self._bars[next(reversed(self._bars))] = NodeBar(done, total, figures)
            self._update_now_and_then()

    def resumed(self, done: int, total: int) -> None:
        """Say from where."""
        if self._bars:
            self._say(format_resume(next(reversed(self._bars)), done, total))

    def warned(self, message: str) -> None:
        """Say it."""
        self._say(f"warning: {message}")

    def finished(self, record: Record) -> None:
        """The bar goes; a node that is not done leaves a line, and the last one the final state."""
        self._bars.pop(record.node.id, None)
        self._ended += record.node.kind.built
        self._reused += record.reused
        if record.status != "done":
            self._say(format_end(record))
        elif self._ended == self._total:
            self._update()
        else:
            self._update_now_and_then()

    def _say(self, line: str) -> None:
        self._lines.append(line)
        self._update()

    def _update_now_and_then(self) -> None:
        if self.now() - self._published >= _INTERVAL:
            self._update()

    def _update(self) -> None:
        self._published = self.now()
        reused = f", {self._reused} reused" if self._reused else ""
        rows = [_bar(self._ended, self._total, f"{self._ended} of {self._total} nodes{reused}")]
        rows += [
            _bar(bar.done, bar.total, _label(name, bar)) for name, bar in list(self._bars.items())[:_MOST_BARS]
        ]
        rows += [f"<div>{escape(line)}</div>" for line in self._lines]
        self.publish("".join(rows))


def _bar(done: int, total: int, label: str) -> str:
    value = f' value="{done}" max="{total}"' if total else ""  # without them the bar only shows that work goes on
    return f"<div><progress{value}></progress> {escape(label)}</div>"


def _label(name: str, bar: NodeBar) -> str:
    steps = f": {bar.done} of {bar.total}" if bar.total else ""
    return f"{name}{steps}{format_figures(bar.figures)}"
