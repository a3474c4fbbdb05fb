"""What a run says and does when workers or the scheduler die, for real, by the row of the table of faults."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from attrs import frozen
from conftest import Place
from living import wait_for

EXPERIMENT = """
[experiment]
name = "faults"

[dataset.quick]
use = "nap"
marks = "{marks}"

[dataset.slow]
use = "nap"
seconds = 1.5
marks = "{marks}"

[analysis.all]
use = "sum"
dataset = ["quick", "slow"]
"""
LIMIT = 60.0  # seconds: what takes longer hangs


@frozen
class Faults:
    """The experiment in its place."""

    place: Place

    def run(self, *options: str) -> subprocess.Popen[str]:
        return self.place.run("faults.toml", *options)

    def marks(self, node: str = "slow") -> list[int]:
        """The processes that a node was in, the latest last."""
        found = (self.place.folder / "marks").glob(f"{node}.*")
        return [int(path.suffix[1:]) for path in sorted(found, key=lambda path: path.stat().st_mtime)]

    def at_work(self) -> int:
        """The process of the slow node, once it is in one."""
        wait_for(self.marks)
        return self.marks()[-1]


@pytest.fixture
def faults(place: Place) -> Faults:
    (place.folder / "faults.toml").write_text(EXPERIMENT.format(marks=place.folder / "marks"))
    return Faults(place)


def ended(run: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, error = run.communicate(timeout=LIMIT)
    assert "Traceback" not in error, error
    return run.returncode, out, error


def test_row_03_a_killed_worker_costs_a_retry(faults: Faults) -> None:
    run = faults.run()
    os.kill(faults.at_work(), signal.SIGKILL)
    code, out, error = ended(run)
    assert code == 0, error
    assert "dataset.slow: the process at it died with worker tcp://127.0.0.1:" in error
    assert "it is done again" in error
    assert "dataset.quick: the process" not in error
    assert len(faults.marks()) == 2
    assert "3 of 3 nodes" in out


def test_row_04_a_node_that_kills_every_worker_is_to_blame_and_its_siblings_are_done(faults: Faults) -> None:
    code, out, error = ended(faults.run("--set", "dataset.slow.harm=kill", "--set", "dataset.slow.seconds=0.0"))
    assert code == 1, error
    crashes = len(faults.marks())
    assert crashes >= 3
    blame = f"failed: dataset.slow: the process at it died {crashes} times with worker tcp://"
    assert blame in " ".join(out.split())  # whatever the width of the terminal
    assert "3 times with nothing else at work" in out
    assert "skipped: analysis.all: needs dataset.slow" in out
    assert "dataset.quick: done" in error


def test_row_05_no_worker_left_ends_in_time(faults: Faults) -> None:
    run = faults.run("--set", "executor.patience=1.5")
    faults.at_work()
    faults.place.cluster.kill_workers()
    start = time.monotonic()
    code, _, error = ended(run)
    assert code == 4, error
    assert "the cluster has had no worker for 1.5 s; run again to resume" in error
    assert time.monotonic() - start < 20


def test_row_06_a_lost_scheduler_ends_in_time_and_the_store_resumes(faults: Faults) -> None:
    run = faults.run()
    faults.at_work()
    faults.place.cluster.kill_scheduler()
    start = time.monotonic()
    code, _, error = ended(run)
    assert code == 4, error
    assert "the cluster's scheduler is lost" in error
    assert "run again to resume" in error
    assert time.monotonic() - start < 20
    faults.place.cluster.staff()
    code, out, error = ended(faults.run())
    assert code == 0, error
    assert "reused" in out


def test_row_12_an_interrupt_ends_the_worker_that_is_at_a_node_and_no_other(faults: Faults) -> None:
    run = faults.run("--set", "dataset.slow.seconds=600.0")
    process = faults.at_work()
    wait_for(lambda: faults.marks("quick"))
    [idle] = faults.marks("quick")
    run.send_signal(signal.SIGINT)
    start = time.monotonic()
    code, _, error = ended(run)
    assert code == 130, error
    assert time.monotonic() - start < 5
    wait_for(lambda: not Path(f"/proc/{process}").exists(), seconds=5)
    assert idle == process or Path(f"/proc/{idle}").exists()
