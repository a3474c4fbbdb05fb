"""What the listeners show."""

from __future__ import annotations

import io
from collections.abc import Mapping

import pytest
from engine_nodes import NOWHERE, graph_of, node
from rich.console import Console
from rich.progress import Progress, TextColumn

from flowlab.api import Context, Result
from flowlab.engine.progress import Bar, Lines, Quiet, listening
from flowlab.engine.run import run


class Slow:
    """Reports thrice."""

    def build(self, context: Context) -> Result:
        figures: Mapping[str, float] = {"violation": 0.25}
        for done in (1, 2, 3):
            context.progress(done, 3, figures)
        return Result(1, shortfall="a bit off")


@pytest.fixture(autouse=True)
def _without_fields(monkeypatch: pytest.MonkeyPatch) -> None:
    """Slow isn't an attrs class: it has no references."""
    monkeypatch.setattr("flowlab.engine.run.inputs", lambda node, values: {})


def test_plain_lines() -> None:
    stream = io.StringIO()
    run(graph_of(node("dataset", "slow", Slow())), "cpu", Lines(stream, every=0), NOWHERE)
    lines = stream.getvalue().splitlines()
    assert lines[0] == "[1/1] dataset.slow (made-up)"
    assert lines[2] == "  dataset.slow: 2/3, about 0 s left, violation 0.25"
    assert lines[-1] == "  dataset.slow: short in 0.0 s: a bit off"


def test_plain_lines_are_rare() -> None:
    stream = io.StringIO()
    run(graph_of(node("dataset", "slow", Slow())), "cpu", Lines(stream), NOWHERE)
    assert len(stream.getvalue().splitlines()) == 2


def test_bar_leaves_one_line_a_node() -> None:
    stream = io.StringIO()
    bar = Progress(TextColumn("{task.description}"), console=Console(file=stream, width=200), transient=True)
    run(graph_of(node("dataset", "slow", Slow())), "cpu", Bar(bar), NOWHERE)
    assert stream.getvalue() == "dataset.slow: short in 0.0 s: a bit off\n"
    assert not bar.tasks


def test_quiet_is_quiet(capfd: pytest.CaptureFixture[str]) -> None:
    with listening(quiet=True) as listener:
        assert isinstance(listener, Quiet)
        run(graph_of(node("dataset", "slow", Slow())), "cpu", listener, NOWHERE)
    assert capfd.readouterr() == ("", "")
