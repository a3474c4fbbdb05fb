"""A sweep of trainings in one process and in several, killed and interrupted: the same digests, node by node."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import pytest
from living import workers
from summaries import statuses

from flowlab.provenance.lock_file import LockFile

LOCAL = ("--executor", "local", "--set", "executor.workers=2")
KILLS = 6  # so few that, at random, they don't look like a node's fault again and again


class Place:
    """A folder with the experiment, and a store for each way to run it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copy(Path(__file__).with_name("sweep.toml"), folder)

    def start(self, name: str, *options: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "flowlab", "run", "sweep.toml", "--device", "cpu", "--quiet", *options]
        return subprocess.Popen(
            [*command, "--out", f"{name}/sweep"], cwd=self.folder, start_new_session=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def digests(self, name: str) -> Mapping[str, str]:
        folder = self.folder / name / "sweep"
        assert set(statuses(folder).values()) <= {"done", "short"}
        nodes = LockFile.read(folder).nodes
        return {node: trace.digest for node, trace in nodes.items() if trace.digest is not None}

    def stored(self, name: str) -> int:
        return len(list((self.folder / name / ".store").glob("*.safetensors")))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return Place(tmp_path_factory.mktemp("digests"))


@pytest.fixture(scope="module")
def wanted(place: Place) -> Mapping[str, str]:
    """The digests of a run in one process."""
    assert place.start("here").wait(timeout=200) == 0
    found = place.digests("here")
    assert len(found) >= 20
    return found


@pytest.mark.slow
def test_with_processes(place: Place, wanted: Mapping[str, str]) -> None:
    assert place.start("local", *LOCAL).wait(timeout=200) == 0
    assert place.digests("local") == wanted


@pytest.mark.slow
def test_with_processes_that_are_killed(place: Place, wanted: Mapping[str, str]) -> None:
    rng, killed = random.Random(0), 0
    for _ in range(4):  # a node that was hit too often is taken for guilty: run again
        run = place.start("killed", *LOCAL)
        while run.poll() is None:
            with suppress(subprocess.TimeoutExpired):
                run.wait(rng.uniform(1.0, 3.0))
            found = workers(run.pid)
            if found and killed < KILLS:
                with suppress(ProcessLookupError):
                    os.kill(rng.choice(found), signal.SIGKILL)
                    killed += 1
        assert run.returncode in (0, 1)
        if run.returncode == 0:
            break
    assert killed >= 3
    assert place.digests("killed") == wanted


@pytest.mark.slow
def test_interrupted_and_resumed_five_times(place: Place, wanted: Mapping[str, str]) -> None:
    rng, codes = random.Random(1), []
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL, signal.SIGINT, signal.SIGKILL):
        before = place.stored("cut")
        run = place.start("cut", *LOCAL)
        end = time.monotonic() + 60
        while place.stored("cut") == before and run.poll() is None and time.monotonic() < end:
            time.sleep(0.05)
        time.sleep(rng.uniform(0.0, 0.2))
        run.send_signal(number)
        codes.append(run.wait(timeout=20))
        assert codes[-1] in (128 + number, -number, 0)
    assert sum(map(bool, codes)) >= 3  # a fast machine may be done before the last ones
    assert place.start("cut", *LOCAL).wait(timeout=200) == 0
    assert place.digests("cut") == wanted
