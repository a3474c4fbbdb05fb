"""Progress bars in a notebook: what is published, and how often."""

from __future__ import annotations

from engine_nodes import node

from flowlab.api import Result
from flowlab.engine.outcome import Record
from flowlab.engine.progress.notebook import NotebookListener


def listener() -> tuple[NotebookListener, list[str], list[float]]:
    published: list[str] = []
    clock = [0.0]
    return NotebookListener(published.append, lambda: clock[0]), published, clock


def test_bars_move_and_go() -> None:
    bars, published, clock = listener()
    first, second = node("dataset", "a", None), node("dataset", "b", None)
    bars.begun([first, second])
    clock[0] = 1.0
    bars.started(first)
    clock[0] = 2.0
    bars.progressed(30, 100, {"violation": 0.5})
    assert published[-1].count("<progress") == 2
    assert f'value="30" max="100"></progress> {first.id}: 30 of 100, violation 0.5' in published[-1]
    bars.finished(Record(first, "done", Result(None), reused=True))
    bars.started(second)
    bars.finished(Record(second, "failed", message="too <few> points"))
    assert published[-1].count("<progress") == 1
    assert "2 of 2 nodes, 1 reused" in published[-1]
    assert "failed in 0.0 s: too &lt;few&gt; points" in published[-1]


def test_many_reports_are_few_updates() -> None:
    bars, published, clock = listener()
    bars.begun([node("dataset", "a", None)])
    clock[0] = 1.0
    bars.started(node("dataset", "a", None))
    before = len(published)
    for step in range(1000):
        clock[0] += 0.001
        bars.progressed(step, 1000, {})
    assert len(published) - before <= 5
    bars.warned("a warning is shown at once")
    assert "a warning is shown at once" in published[-1]
