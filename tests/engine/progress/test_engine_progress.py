"""What the listeners show."""

from __future__ import annotations

import io
from collections.abc import Mapping

import pytest
from attrs import frozen
from engine_nodes import NOWHERE, graph_of, node

from flowlab.api import Context, Result
from flowlab.engine.outcome import Record
from flowlab.engine.progress.choose import open_listener
from flowlab.engine.progress.log import LogListener
from flowlab.engine.progress.quiet import QuietListener
from flowlab.engine.run import run_graph


@frozen
class Slow:
    """Reports thrice."""

    def build(self, context: Context) -> Result:
        figures: Mapping[str, float] = {"violation": 0.25}
        for done in (1, 2, 3):
            context.progress(done, 3, figures)
        return Result(1, shortfall="a bit off")


def test_plain_lines() -> None:
    stream = io.StringIO()
    run_graph(graph_of(node("dataset", "slow", Slow())), "cpu", LogListener(stream, every=0), NOWHERE)
    lines = stream.getvalue().splitlines()
    assert lines[0] == "[1/1] dataset.slow (made-up)"
    assert lines[2] == "  dataset.slow: 2/3, about 0 s left, violation 0.25"
    assert lines[-1] == "  dataset.slow: short in 0.0 s: a bit off"


def test_plain_lines_are_rare() -> None:
    stream = io.StringIO()
    run_graph(graph_of(node("dataset", "slow", Slow())), "cpu", LogListener(stream), NOWHERE)
    assert len(stream.getvalue().splitlines()) == 2


def test_plain_lines_of_nodes_that_end_as_it_comes() -> None:
    stream = io.StringIO()
    lines = LogListener(stream)
    nodes = [node("dataset", name, Slow()) for name in "abc"]
    lines.begun([*nodes, node("schedule", "tool", Slow())])
    for one in nodes:
        lines.started(one)
    for one in reversed(nodes):
        lines.finished(Record(one, "done", Result(1), seconds=2.0))
    begun = [f"[{k}/3] dataset.{name} (made-up)" for k, name in enumerate("abc", 1)]
    assert stream.getvalue().splitlines() == begun + [f"  dataset.{name}: done in 2.0 s" for name in "cba"]


def test_quiet_is_quiet(capfd: pytest.CaptureFixture[str]) -> None:
    with open_listener(quiet=True) as listener:
        assert isinstance(listener, QuietListener)
        run_graph(graph_of(node("dataset", "slow", Slow())), "cpu", listener, NOWHERE)
    assert capfd.readouterr() == ("", "")
