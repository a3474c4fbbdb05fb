"""Runs that are stopped from outside, and run again: through the real entry point."""

from __future__ import annotations

import importlib
import os
import pty
import signal
import subprocess
import sys
import time
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from interrupt_moments import COMMANDS, interrupt_at_random
from living import members
from summaries import results, statuses

from flowlab.cli.errors import handle_errors
from flowlab.engine.interrupt import Terminated, handle_signals

Process = subprocess.Popen[str]

EXPERIMENT = """
[experiment]
name = "long"

[dataset.box]
use = "orthogonal"
dimension = 4
points = 4
samples = 60

[schedule.levels]
use = "noise-levels"
levels = [0.08, 0.05]

[optimizer.al]
use = "augmented-lagrangian"
steps = 25_000

[denoiser.trained]
use = "shallow-relu"
dataset = "box"
schedule = "levels"
optimizer = "al"
width = 150
"""


@contextmanager
def at_work(command: Sequence[str], environment: Mapping[str, str], folder: Path, word: str) -> Iterator[Process]:
    """A run in a session of its own, once it says the word."""
    with subprocess.Popen(
        command,
        env=environment,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if word in line:
                break
        time.sleep(0.5)
        yield process


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_row_12_13_an_interrupt_keeps_finished_nodes(
    environment: Mapping[str, str], experiment: Path, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    command = [sys.executable, "-m", "flowlab", "run", str(experiment), "--out", "o"]
    with at_work([*command, "--set", "dataset.b.nap=60.0"], environment, tmp_path, "dataset.b") as process:
        start = time.monotonic()
        process.send_signal(number)
        out, error = process.communicate(timeout=60)
    assert time.monotonic() - start < 5
    assert process.returncode == code
    assert "Traceback" not in error
    assert "interrupted; run again to resume\n1 of 4 nodes saved in " in out
    assert members(process.pid) == set()
    found = statuses(tmp_path / "o")
    assert (found["dataset.a"], found["dataset.b"]) == ("done", "skipped")
    assert (tmp_path / "o/tables/dataset.a.all.csv").exists()


STUBBORN = """
import sys, time
from flowlab.cli import app
from flowlab.runner import run_experiment

def write(*_):
    print("writing", file=sys.stderr, flush=True)
    time.sleep(60)

run_experiment.write_run = write
app.main()
"""


@pytest.mark.slow
@pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGTERM])
def test_row_12_a_second_interrupt_is_immediate(
    environment: Mapping[str, str], experiment: Path, tmp_path: Path, second: signal.Signals
) -> None:
    command = [sys.executable, "-c", STUBBORN, "run", str(experiment), "--set", "dataset.b.nap=60.0"]
    with at_work(command, environment, tmp_path, "dataset.b") as process:
        assert process.stderr is not None
        process.send_signal(signal.SIGINT)
        for line in process.stderr:
            if line == "writing\n":
                break
        start = time.monotonic()
        process.send_signal(second)
        _, error = process.communicate(timeout=60)
    assert time.monotonic() - start < 1
    assert process.returncode == -second  # which a shell calls 130 or 143
    assert "Traceback" not in error


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGKILL, -9)])
def test_row_13_a_stopped_training_is_resumed_to_the_same_figures(
    tmp_path: Path, number: signal.Signals, code: int
) -> None:
    file = tmp_path / "long.toml"
    file.write_text(EXPERIMENT)
    command = [sys.executable, "-m", "flowlab", "run", str(file), "--device", "cpu", "--no-store", "--out"]
    with subprocess.Popen([*command, "cut"], cwd=tmp_path, stderr=subprocess.PIPE, text=True) as process:
        for _ in range(600):
            if list((tmp_path / "cut/checkpoints").glob("*.safetensors")) or process.poll() is not None:
                break
            time.sleep(0.1)
        process.send_signal(number)
        process.communicate(timeout=60)
    assert process.returncode == code
    again = subprocess.run([*command, "cut"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    assert "denoiser.trained resumes from step" in again.stderr
    assert not (tmp_path / "cut/checkpoints").exists()
    whole = subprocess.run([*command, "whole"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "resumes" not in whole.stderr
    assert results(tmp_path / "cut") == results(tmp_path / "whole")


def test_row_12_13_an_interrupt_at_any_moment_is_one_line(tmp_path: Path) -> None:
    run, *_, show = COMMANDS
    counts = interrupt_at_random(tmp_path, 10, seed=3, commands={run: 1, show: 2})
    assert counts["wrong"] == 0
    assert counts.total() == 10


BEFORE_WORK = """
import os, signal, sys
from flowlab.__main__ import main

class Import:
    def find_spec(self, name, path=None, target=None):
        if name == "flowlab.cli.app":
            os.kill(os.getpid(), getattr(signal, os.environ["NUMBER"]))

sys.meta_path.insert(0, Import())
main()
"""


@pytest.mark.parametrize(("number", "code"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)])
def test_row_12_13_an_interrupt_in_the_first_import_is_one_line(
    environment: Mapping[str, str], number: str, code: int
) -> None:
    command = [sys.executable, "-c", BEFORE_WORK, "list-components"]
    ended = subprocess.run(
        command, env={**environment, "NUMBER": number}, capture_output=True, text=True, timeout=60, check=False
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (code, "", "interrupted\n")


INTERRUPTED_IMPORT = """
import os, signal
os.kill(os.getpid(), signal.SIGINT)
try:
    for _ in range(1000):
        pass
except KeyboardInterrupt as interrupt:
    raise AttributeError("partially initialized module") from None
ready = True
"""


def test_row_12_an_interrupt_in_an_import_is_raised_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "slow_to_import.py").write_text(INTERRUPTED_IMPORT)
    monkeypatch.syspath_prepend(tmp_path)

    def work() -> None:
        assert importlib.import_module("slow_to_import").ready
        time.sleep(5)
        pytest.fail("the interrupt is lost")

    with pytest.raises(KeyboardInterrupt), handle_signals():
        work()


class Watched:
    """Something that a weak reference refers to."""


class Finalized:
    """Interrupted in its finalizer, of which nothing gets out."""

    def __del__(self) -> None:
        os.kill(os.getpid(), signal.SIGTERM)


@pytest.mark.parametrize("referred", [False, True])
def test_row_13_an_interrupt_that_python_drops_is_raised_again(referred: bool) -> None:
    def work() -> None:
        if referred:
            reference = weakref.ref(Watched(), lambda _: os.kill(os.getpid(), signal.SIGTERM))
            assert reference() is None
        else:
            Finalized()
        time.sleep(5)
        pytest.fail("the interrupt is lost")

    with pytest.raises(Terminated), handle_signals():
        work()


def test_row_12_an_error_made_of_an_interrupt_is_an_interrupt() -> None:
    def read() -> None:
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt as interrupt:
            raise ValueError("a damaged file") from interrupt

    with pytest.raises(SystemExit) as stop, handle_errors():
        read()
    assert stop.value.code == 130


def test_row_13_a_lost_terminal_saves_what_is_finished(
    environment: Mapping[str, str], experiment: Path, tmp_path: Path
) -> None:
    """An ssh session drops: the terminal goes, and SIGHUP comes."""
    ours, theirs = pty.openpty()
    command = [
        sys.executable,
        "-m",
        "flowlab",
        "run",
        str(experiment),
        "--out",
        "o",
        "--set",
        "dataset.b.nap=60.0",
    ]
    with subprocess.Popen(
        command, env=environment, cwd=tmp_path, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    ) as process:
        os.close(theirs)
        said = b""
        while b"dataset.b" not in said:
            said += os.read(ours, 1000)
        os.close(ours)
        process.send_signal(signal.SIGHUP)
        process.wait(timeout=60)
    assert process.returncode == 129
    assert statuses(tmp_path / "o")["dataset.a"] == "done"
