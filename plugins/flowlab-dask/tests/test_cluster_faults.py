"""What a run says and does when workers or the scheduler die, for real."""

from __future__ import annotations

import os
import signal
import time

from conftest import Place, killed, wait_for

EXPERIMENT = """
[experiment]
name = "faults"

[dataset.quick]
use = "nap"

[dataset.slow]
use = "nap"
seconds = 3.0

[analysis.all]
use = "sum"
dataset = ["quick", "slow"]
"""
LIMIT = 100.0  # seconds: what takes longer hangs


def ended(run: object) -> tuple[int, str, str]:
    out, error = run.communicate(timeout=LIMIT)  # type: ignore[attr-defined]
    assert "Traceback" not in error, error
    return run.returncode, out, error  # type: ignore[attr-defined]


def begun(place: Place, node: str = "slow") -> None:
    (place.folder / "experiment.toml").write_text(EXPERIMENT)
    place.scheduler()
    place.worker()


def test_row_03_a_killed_worker_costs_a_retry(place: Place) -> None:
    begun(place)
    run = place.run()
    wait_for(lambda: place.marks("slow"))
    os.kill(place.marks("slow")[0], signal.SIGKILL)
    code, out, error = ended(run)
    assert code == 0, error
    assert "dataset.slow: the process at it died" in error
    assert "it was done again" in error
    assert len(place.marks("slow")) == 2
    assert "3 of 3 nodes" in out


def test_row_04_a_node_that_kills_every_worker_is_to_blame_and_its_siblings_are_done(place: Place) -> None:
    begun(place)
    code, out, error = ended(place.run("--set", "dataset.slow.harm=true", "--set", "dataset.slow.seconds=0.1"))
    assert code == 1, error
    deaths = len(place.marks("slow"))
    assert deaths >= 3
    assert f"failed: dataset.slow: the process at it died {deaths} times" in out
    assert "skipped: analysis.all: needs dataset.slow" in out
    assert "dataset.quick: done" in error


def test_row_05_no_worker_left_ends_in_time(place: Place) -> None:
    (place.folder / "experiment.toml").write_text(EXPERIMENT)
    place.scheduler()
    worker = place.worker()
    run = place.run("--set", "executor.patience=3.0")
    wait_for(lambda: place.marks("slow"))
    killed(worker)
    start = time.monotonic()
    code, out, error = ended(run)
    assert code == 4, error
    assert "the cluster has had no worker for 3 s; run again to resume" in error
    assert time.monotonic() - start < 30
    place.worker()
    code, out, error = ended(place.run())
    assert code == 0, error
    assert "1 reused" in out


def test_row_05_none_came_at_all(place: Place) -> None:
    (place.folder / "experiment.toml").write_text(EXPERIMENT)
    place.scheduler()
    code, _, error = ended(place.run("--set", "executor.patience=1.0"))
    assert code == 4
    assert "no worker for 1 s" in error


def test_row_06_a_lost_scheduler_ends_in_time_and_the_store_resumes(place: Place) -> None:
    (place.folder / "experiment.toml").write_text(EXPERIMENT)
    scheduler = place.scheduler()
    worker = place.worker()
    run = place.run()
    wait_for(lambda: place.marks("slow"))
    killed(scheduler)
    start = time.monotonic()
    code, _, error = ended(run)
    assert code == 4, error
    assert "the cluster's scheduler is lost; run again to resume" in error
    assert time.monotonic() - start < 60
    killed(worker)
    (place.folder / "scheduler").unlink()
    place.scheduler()
    place.worker()
    code, out, error = ended(place.run())
    assert code == 0, error
    assert "reused" in out


def test_no_scheduler_is_told(place: Place) -> None:
    (place.folder / "experiment.toml").write_text(EXPERIMENT)
    code, _, error = ended(place.run())
    assert code == 4
    assert "scheduler: there is no such file" in error
    (place.folder / "scheduler").write_text('{"address": "tcp://127.0.0.1:9"}')
    code, _, error = ended(place.run())
    assert code == 4
    assert "no scheduler answers" in error


def test_workers_of_several_threads_are_refused(place: Place) -> None:
    (place.folder / "experiment.toml").write_text(EXPERIMENT)
    place.scheduler()
    place.start(
        "dask", "worker", "--scheduler-file", "scheduler", "--nworkers", "1", "--nthreads", "2",
        "--host", "127.0.0.1", "--no-dashboard",
    )  # fmt: skip
    code, _, error = ended(place.run())
    assert code == 4
    assert "start workers with --nthreads 1" in error
