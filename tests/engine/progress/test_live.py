"""The live table, as rich draws it and as a terminal gets it."""

from __future__ import annotations

import io
import os
import pty
import re
import select
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from attrs import define, frozen
from engine_nodes import node
from rich.console import Console

from flowlab.api import ClaimResult, Result
from flowlab.engine.outcome import Record
from flowlab.engine.progress.lines import format_headline
from flowlab.engine.progress.live import LiveListener, format_duration
from flowlab.graph.node import Node

ESCAPE = "\x1b"


@define
class Clock:
    """A time that passes when it is told to."""

    now: float = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> Clock:
    return Clock()


def table_of(nodes: list[Node], time: Clock, width: int = 100, height: int = 10) -> LiveListener:
    """A table on a recording terminal of fixed size."""
    console = Console(file=io.StringIO(), record=True, force_terminal=True, width=width, height=height)
    table = LiveListener(console, time)
    table.begun(nodes)
    return table


def drawn(table: LiveListener) -> list[str]:
    """What is on the screen below the finished lines."""
    with table.console.capture() as capture:
        table.console.print(table)
    return [re.sub(r"\x1b\[[\d;?]*[a-zA-Z]", "", line).rstrip() for line in capture.get().splitlines()]


def said(table: LiveListener) -> list[str]:
    """The finished lines."""
    return [line for line in table.console.export_text().splitlines() if "━" not in line]


def ended(one: Node, seconds: float = 1.0, reused: bool = False, **result: Any) -> Record:
    return Record(one, "done", Result(None, **result), seconds=seconds, reused=reused)


def test_nodes_at_work_have_rows_and_finished_ones_lines(time: Clock) -> None:
    nodes = [node("denoiser", name, None) for name in "abc"]
    table = table_of(nodes, time)
    table.started(nodes[0])
    table.started(nodes[1])
    time.now += 5
    first, second, whole = drawn(table)
    assert first.startswith("denoiser.a ")
    assert first.endswith("0:05 so far")
    assert second.startswith("denoiser.b ")
    assert whole == "0 of 3 done, 2 at work"
    table.finished(ended(nodes[0], 5.0, metrics={"violation_max": [1e-5, 2e-5], "slab_ratio": [1.0, 1.25]}))
    table.finished(Record(nodes[1], "failed", message="oh"))
    table.started(nodes[2])
    row, whole = drawn(table)
    assert row.startswith("denoiser.c ")
    assert whole == "1 of 3 done, 1 failed, 1 at work"  # no two of one name
    assert said(table)[:2] == [
        "denoiser.a: done in 5.0 s; largest violation 2e-05, cost / slabs 1.25",
        "denoiser.b: failed in 0.0 s: oh",
    ]


def test_a_first_training_shows_its_figures_and_then_the_time_left(time: Clock) -> None:
    nodes = [node("denoiser", "a", None), node("flow", "b", None)]
    table = table_of(nodes, time)
    table.started(nodes[0])
    time.now += 3  # drawing samples is no step
    table.progressed(1, 1001, {"violation": 0.5, "cost": 12})
    row, whole = drawn(table)
    assert row.endswith("0:03 so far violation 0.5, cost 12")
    assert whole == "0 of 2 done, 1 at work"
    time.now += 10
    table.progressed(101, 1001, {"violation": 0.25, "cost": 11})
    row, whole = drawn(table)
    assert row.endswith("1:30 left violation 0.25, cost 11")
    assert whole == "0 of 2 done, 1 at work; at least 1:30 left"  # nobody knows of the flow
    time.now += 30  # without a report
    assert drawn(table)[0].endswith("1:00 left violation 0.25, cost 11")


def test_speed_is_measured_from_a_checkpoint_and_from_another_stage(time: Clock) -> None:
    one = node("denoiser", "a", None)
    table = table_of([one], time)
    table.started(one)
    table.resumed(900, 1000)
    time.now += 10
    table.progressed(950, 1000, {})
    assert drawn(table)[0].endswith("0:10 left")
    table.progressed(1, 4, {"gap": 0.1})
    assert "so far" in drawn(table)[0]
    time.now += 60
    table.progressed(2, 4, {"gap": 0.05})
    assert drawn(table)[0].endswith("2:00 left gap 0.05")
    table.progressed(1, 4, {})  # the next part, as long as the last
    time.now += 30
    table.progressed(2, 4, {})
    assert drawn(table)[0].endswith("1:00 left")
    assert said(table)[0] == "denoiser.a resumes from step 900 of 1000"


def test_a_sweep_takes_as_long_as_its_settings_took_that_were_computed(time: Clock) -> None:
    nodes = [node("flow", "a", None, variant={"flow.a.steps": i}) for i in range(12)]
    table = table_of(nodes, time)
    for one in nodes[:5]:
        table.started(one)
        time.now += 0.1
        table.finished(ended(one, 0.1, reused=True))
    table.started(nodes[5])
    time.now += 20
    table.finished(ended(nodes[5], 20.0))
    table.started(nodes[6])
    time.now += 4
    # 5 wait, 20 s each, and 16 s of the one at work
    assert drawn(table)[-1] == "6 of 12 done, 5 reused, 1 at work; about 1:56 left"


def test_two_at_a_time_take_half_as_long(time: Clock) -> None:
    nodes = [node("flow", "a", None, variant={"flow.a.steps": i}) for i in range(12)]
    table = table_of(nodes, time)
    for pair in (nodes[:2], nodes[2:4]):
        for one in pair:
            table.started(one)
        time.now += 10
        for one in reversed(pair):  # they end as it comes
            table.finished(ended(one, 10.0))
    for one in nodes[4:6]:
        table.started(one)
    assert drawn(table)[-1] == "4 of 12 done, 2 at work; about 0:40 left"


@pytest.mark.parametrize(("width", "height"), [(100, 6), (30, 24), (10, 3), (1, 1)])
def test_it_is_never_larger_than_the_terminal(width: int, height: int, time: Clock) -> None:
    nodes = [node("denoiser", f"of-a-rather-long-name-{i}", None) for i in range(20)]
    table = table_of(nodes, time, width, height)
    for one in nodes:
        table.started(one)
    table.progressed(3, 10, {"violation": 0.123, "cost": 456.0})
    lines = drawn(table)
    assert len(lines) == max(min(20, height - 2), 1) + 1
    assert all(len(line) <= width for line in lines)
    assert lines[-1] == "0 of 20 done, 20 at work"[: width - 1] + "…" if width < 24 else "0 of 20 done, 20 at work"


def test_tools_pass_unmentioned(time: Clock) -> None:
    tool = node("schedule", "s", None)
    table = table_of([tool], time)
    table.started(tool)
    table.finished(Record(tool, "done"))
    assert drawn(table) == []
    assert said(table) == []


def test_key_figures() -> None:
    counts = {"training": 62, "virtual": 38, "boundary": 0, "interior": 0, "elsewhere": 0}
    ends = format_headline(ended(node("classifier", "c", None), metrics={"pf": counts, "score": counts}))
    assert ends == "pf 62.0 % training, 38.0 % virtual; score 62.0 % training, 38.0 % virtual"
    claim = Record(node("analysis", "a", None), "done", Result(ClaimResult("c", "s", ours=(0.5,), percent=True)))
    assert format_headline(claim) == "50 %"
    gap = ended(
        node("denoiser", "d", None), metrics={"gap_proved": [None, 0.01, float("nan")], "violation_max": []}
    )
    assert format_headline(gap) == "proved gap 0.01"
    assert format_headline(Record(node("denoiser", "d", None), "failed")) == ""


@frozen
class Outspoken:
    """A component that says itself which of its figures are shown."""

    fault: bool = False

    def headline(self, result: Result) -> str:
        return f"{result.metrics['absent' if self.fault else 'share']:.0%} found"


@pytest.mark.parametrize(("fault", "words"), [(False, "25% found"), (True, "no headline: KeyError: 'absent'")])
def test_a_component_s_own_headline_goes_before_its_kind_s(fault: bool, words: str) -> None:
    record = ended(node("denoiser", "d", Outspoken(fault)), metrics={"share": 0.25, "gap_proved": 0.1})
    assert format_headline(record) == words


def test_clock() -> None:
    assert [format_duration(seconds) for seconds in (0.2, 59.6, 83, 3723)] == ["0:00", "1:00", "1:23", "1:02:03"]


def on_a_terminal(command: list[str], **settings: Any) -> tuple[str, str, int]:
    """A command whose stderr is a terminal of 24 lines: what it wrote there and to stdout, and its exit code."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=theirs, **settings)
    os.close(theirs)
    seen, end = b"", monotonic() + 60
    while monotonic() < end:
        if not select.select([ours], [], [], 1)[0]:
            continue
        try:
            chunk = os.read(ours, 65536)
        except OSError:  # the other end is closed
            break
        if not chunk:
            break
        seen += chunk
    out, _ = process.communicate(timeout=60)
    os.close(ours)
    return seen.decode(), out.decode(), process.returncode


@pytest.mark.slow
@pytest.mark.parametrize("executor", [[], ["--set", "executor=local", "--set", "executor.workers=2"]])
def test_on_a_real_terminal(
    executor: list[str], environment: Mapping[str, str], experiment: Path, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "flowlab", "run", str(experiment), "--set", "dataset.a.nap=1.0", *executor]
    surroundings = {**environment, "TERM": "xterm-256color", "COLUMNS": "90", "LINES": "24"}
    shown, out, code = on_a_terminal(command, env=surroundings, cwd=tmp_path)
    assert code == 0, shown
    assert ESCAPE in shown
    assert "dataset.a" in shown
    assert re.search(r"[01] of 4 done, [12] at work", shown)
    for name in ("dataset.a", "dataset.b", "figure.f", "figure.g"):
        assert re.search(rf"{re.escape(name)}: done in \d", shown)
    assert shown.count("\x1b[?25h") == 1  # the cursor is back
    assert ESCAPE not in out


@pytest.mark.slow
@pytest.mark.parametrize("executor", [[], ["--set", "executor=local", "--set", "executor.workers=2"]])
def test_a_log_has_plain_lines(executor: list[str], flowlab: Callable[..., Any], experiment: Path) -> None:
    done = flowlab("run", experiment, *executor)
    assert done.returncode == 0, done.stderr
    assert ESCAPE not in done.stderr + done.stdout
    lines = done.stderr.splitlines()
    for name, use in (("dataset.a", "source"), ("dataset.b", "source"), ("figure.f", "picture")):
        begin = next(i for i, line in enumerate(lines) if re.fullmatch(rf"\[\d/\d\] {name} \(made-{use}\)", line))
        end = next(i for i, line in enumerate(lines) if line.startswith(f"  {name}: done in "))
        assert begin < end


def test_json_and_quiet_are_as_without_a_terminal(
    environment: Mapping[str, str], experiment: Path, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "flowlab", "run", str(experiment), "--quiet", "--json"]
    shown, out, code = on_a_terminal(command, env={**environment, "TERM": "xterm"}, cwd=tmp_path)
    assert (shown, code) == ("", 0)
    assert out.startswith("{")


def test_a_terminal_that_can_do_nothing_gets_plain_lines(
    environment: Mapping[str, str], experiment: Path, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "flowlab", "run", str(experiment)]
    shown, _, code = on_a_terminal(command, env={**environment, "TERM": "dumb"}, cwd=tmp_path)
    assert code == 0
    assert ESCAPE not in shown
    assert "[1/4] dataset.a (made-source)" in shown
