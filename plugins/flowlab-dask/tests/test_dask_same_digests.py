"""A sweep of trainings in one process, on Dask, killed and interrupted there: the same digests, node by node."""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from conftest import Place
from distributed import Client
from living import wait_for
from running import Running

from flowlab.provenance.lock_file import LockFile

SWEEP = Path(__file__).parents[3] / "tests/engine/workers/sweep.toml"  # which the local executor is tried on
LONG = ("--set", "optimizer.al.steps=20_000")  # seconds a training, so that it can be hit
QUICK = ("--set", "optimizer.al.steps=50")
LIMIT = 200.0  # seconds
KILLS = 6  # so few that, at random, they don't look like a node's fault again and again


def run(place: Place, name: str, *options: str, cluster: bool = True) -> subprocess.Popen[str]:
    """Begin a run with a store of its own."""
    shutil.copy(SWEEP, place.folder)
    return place.run("sweep.toml", "--quiet", "--out", f"{name}/sweep", *options, cluster=cluster)


def digests(place: Place, name: str) -> Mapping[str, str]:
    """Those of all nodes, of a run that lost nothing."""
    nodes = LockFile.read(place.folder / name / "sweep").nodes
    assert {trace.status for trace in nodes.values()} <= {"done", "short"}
    found = {node: trace.digest for node, trace in nodes.items() if trace.digest is not None}
    assert len(found) >= 20
    return found


def done(begun: subprocess.Popen[str]) -> str:
    """What a run says on its way to a good end."""
    _, error = begun.communicate(timeout=LIMIT)
    assert begun.returncode == 0, error
    return error


def stored(place: Place, name: str) -> int:
    return len(list((place.folder / name / ".store").glob("*.safetensors")))


def test_on_two_workers_in_brief(place: Place) -> None:
    both = run(place, "here", *QUICK, cluster=False), run(place, "dask", *QUICK)
    assert [done(begun) for begun in both] == ["", ""]
    assert digests(place, "dask") == digests(place, "here")
    assert stored(place, "dask") >= 12  # which workers wrote


@pytest.fixture(scope="module")
def wanted(tmp_path_factory: pytest.TempPathFactory, _running: Running) -> Mapping[str, str]:
    """The digests of a run in one process."""
    place = Place(tmp_path_factory.mktemp("here"), _running)
    done(run(place, "here", *LONG, cluster=False))
    return digests(place, "here")


@pytest.mark.slow
def test_in_two_processes_of_this_machine(place: Place, wanted: Mapping[str, str]) -> None:
    options = ("--executor", "local", "--set", "executor.workers=2")
    done(run(place, "local", *LONG, *options, cluster=False))
    assert digests(place, "local") == wanted


@pytest.mark.slow
def test_on_two_workers(place: Place, wanted: Mapping[str, str]) -> None:
    assert done(run(place, "dask", *LONG)) == ""
    assert digests(place, "dask") == wanted


@pytest.mark.slow
def test_on_two_workers_that_are_killed_at_work(place: Place, wanted: Mapping[str, str]) -> None:
    rng, killed, told = random.Random(0), [], 0
    with Client(scheduler_file=str(place.cluster.file), set_as_default=False) as client:
        for _ in range(4):  # a node that was hit too often is taken for guilty: run again
            begun = run(place, "killed", *LONG)
            while begun.poll() is None:
                time.sleep(rng.uniform(1.0, 3.0))
                if len(killed) < KILLS:
                    killed += kill_one(client, rng)
            _, error = begun.communicate()
            told += len(re.findall("the process at (it|them) died", error))
            assert begun.returncode in (0, 1), error
            if begun.returncode == 0:
                break
    assert len(killed) >= 3
    assert len(set(killed)) == len(killed)  # the cluster replaced them
    assert 3 <= told <= len(killed) + 1  # one may be said of a node that failed, too
    assert not any(Path(f"/proc/{process}").exists() for process in killed)
    wait_for(lambda: not place.cluster.dead(), seconds=10)
    assert digests(place, "killed") == wanted


def kill_one(client: Client, rng: random.Random) -> list[int]:
    """Kill a worker that is at a node; the process's number, none where nobody is at work."""
    busy = sorted(worker for worker, keys in client.processing().items() if keys)
    if not busy:
        return []
    process = client.run(os.getpid, workers=[rng.choice(busy)], on_error="ignore")
    for number in process.values():
        os.kill(number, signal.SIGKILL)
    return list(process.values())


@pytest.mark.slow
def test_interrupted_and_resumed_five_times(place: Place, wanted: Mapping[str, str]) -> None:
    rng, codes = random.Random(1), []
    for _ in range(5):
        before = stored(place, "cut")
        begun = run(place, "cut", *LONG)
        end = time.monotonic() + 60
        while stored(place, "cut") == before and begun.poll() is None and time.monotonic() < end:
            time.sleep(0.05)
        time.sleep(rng.uniform(0.0, 0.5))
        begun.send_signal(signal.SIGINT)
        begun.communicate(timeout=20)
        codes.append(begun.returncode)
    assert set(codes) <= {128 + signal.SIGINT, 0}
    assert sum(map(bool, codes)) >= 3  # a fast machine may be done before the last ones
    done(run(place, "cut", *LONG))
    assert digests(place, "cut") == wanted
