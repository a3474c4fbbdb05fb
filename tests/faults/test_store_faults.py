"""The store under runs that are killed, meet, or find no room: through the real entry point."""

from __future__ import annotations

import random
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from filelock import FileLock
from summaries import results, reused

Run = Callable[..., "subprocess.CompletedProcess[str]"]
LONG = ("--set", "dataset.a.nap=0.2")  # long enough to be kept
LARGE = (*LONG, "--set", "dataset.a.points=45000")  # some 250 KB
LOSS = ("--set", "dataset.a.nap=1.1")  # so long that its loss ends a run
TRAINED = """
[experiment]
name = "trained"

[dataset.box]
use = "orthogonal"
dimension = 2
points = 3
samples = 10

[schedule.levels]
use = "noise-levels"
levels = [0.08]

[optimizer.al]
use = "augmented-lagrangian"
steps = 30

[denoiser.al]
use = "shallow-relu"
dataset = "box"
schedule = "levels"
optimizer = "al"
width = 12
"""
SWEEP = """
[sweep.width]
"denoiser.al.width" = [12, 13]
"""


def store_of(folder: Path) -> set[Path]:
    """The results in the store of a folder's runs."""
    return set((folder / "runs/.store").glob("[0-9a-f]*.safetensors"))


def left(runs: Path) -> list[Path]:
    """What killed runs left behind: half-written files, locks, checkpoints."""
    return [
        path for path in runs.rglob("*") if path.suffix in (".tmp", ".lock") or path.parent.name == "checkpoints"
    ]


KILLED = """
import os
from flowlab.cli import app
from flowlab.engine import atomic_file

atomic_file.os.replace = lambda *_: os.kill(os.getpid(), 9)
app.main()
"""


@pytest.mark.slow
def test_row_02_a_kill_between_the_writing_and_the_renaming(
    flowlab: Run, environment: Mapping[str, str], experiment: Path, tmp_path: Path
) -> None:
    command = [sys.executable, "-c", KILLED, "run", str(experiment), *LONG]
    killed = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, check=False, timeout=100)
    assert killed.returncode == -9
    assert list((tmp_path / "runs/.store").rglob(".*.tmp"))
    again = flowlab("run", experiment, *LONG)
    assert again.returncode == 0, again.stderr
    assert "warning" not in again.stderr
    assert reused(tmp_path / "runs/tiny") == set()
    assert left(tmp_path / "runs") == []
    flowlab("run", experiment, *LONG)
    assert reused(tmp_path / "runs/tiny") == {"dataset.a"}


@pytest.mark.slow
def test_row_01_twenty_kills_at_random_points(
    flowlab: Run, environment: Mapping[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "trained.toml"
    # two trainings of about a second
    file.write_text(TRAINED.replace("steps = 30", "steps = 2_500") + SWEEP)
    start = time.monotonic()
    clean = flowlab("run", file, "--out", "clean/trained")
    length = time.monotonic() - start
    assert clean.returncode == 0, clean.stderr
    command = [sys.executable, "-m", "flowlab", "run", str(file), "--quiet"]
    moments, killed = random.Random(0), 0
    while killed < 20:
        with subprocess.Popen(command, env=environment, cwd=tmp_path, stdout=subprocess.DEVNULL) as process:
            try:
                process.wait(moments.uniform(0.2, 0.9) * length)
            except subprocess.TimeoutExpired:
                process.kill()
        assert process.returncode in (0, -9)
        killed += process.returncode == -9
        kept = store_of(tmp_path)
        if process.returncode == 0:  # begin again, and sooner: hits and a machine less busy make a run shorter
            shutil.rmtree(tmp_path / "runs")
            length *= 0.9
    again = flowlab("run", file)
    assert again.returncode == 0, again.stderr
    assert "warning" not in again.stderr
    assert len(reused(tmp_path / "runs/trained")) == len(kept)
    assert results(tmp_path / "runs/trained") == results(tmp_path / "clean/trained")
    assert left(tmp_path / "runs") == []


@pytest.mark.slow
def test_row_09_two_runs_at_once_compute_once(
    environment: Mapping[str, str], experiment: Path, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "flowlab", "run", str(experiment), "--set", "dataset.a.nap=2.0", "--out"]
    pair = [
        subprocess.Popen([*command, f"runs/{name}"], env=environment, cwd=tmp_path, stderr=subprocess.DEVNULL)
        for name in "ab"
    ]
    assert [process.wait(timeout=100) for process in pair] == [0, 0]
    assert sorted(len(reused(tmp_path / "runs" / name)) for name in "ab") == [0, 1]
    assert results(tmp_path / "runs/a") == results(tmp_path / "runs/b")


@pytest.mark.slow
def test_row_09_a_run_waits_for_another_that_computes_the_same(
    flowlab: Run, environment: Mapping[str, str], experiment: Path, tmp_path: Path
) -> None:
    flowlab("run", experiment, *LONG)
    [file] = (tmp_path / "runs/.store").glob("*.safetensors")
    content = file.read_bytes()
    file.unlink()
    lock = FileLock(file.with_suffix(".lock"))
    lock.acquire()
    command = [sys.executable, "-m", "flowlab", "run", str(experiment), *LONG]
    with subprocess.Popen(command, env=environment, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "dataset.a: another run computes it" in line:
                break
        file.write_bytes(content)  # as the other run does at its end
        lock.release()
        assert process.wait(timeout=100) == 0
    assert reused(tmp_path / "runs/tiny") == {"dataset.a"}


def mounted(environment: Mapping[str, str], folder: Path, mount: str, command: str) -> tuple[int, str]:
    """Run a command where the store, and it alone, is mounted so: root may write wherever a mode forbids it."""
    script = f"cd {folder} && {mount} && exec {command}"
    done = subprocess.run(
        ["unshare", "-m", "sh", "-ec", script],
        env=environment, capture_output=True, text=True, check=False, timeout=100,
    )  # fmt: skip
    return done.returncode, done.stderr


@pytest.fixture
def mounts(environment: Mapping[str, str], tmp_path: Path) -> None:
    """Skip where this user may not mount."""
    (tmp_path / "runs/.store").mkdir(parents=True)
    try:
        code, error = mounted(environment, tmp_path, "mount -t tmpfs -o size=64k tmpfs runs/.store", "true")
    except OSError as fault:
        pytest.skip(f"no unshare here: {fault}")
    if code:
        pytest.skip(f"no mounts here: {error}")


def run_with(*options: str) -> str:
    return shlex.join([sys.executable, "-m", "flowlab", "run", *options])


@pytest.mark.slow
@pytest.mark.usefixtures("mounts")
def test_row_07_a_full_disk_ends_a_run_and_harms_no_entry(
    environment: Mapping[str, str], experiment: Path, tmp_path: Path
) -> None:
    first = ("--set", "dataset.b.nap=0.2")
    small, large = run_with(str(experiment), *first), run_with(str(experiment), *first, *LARGE, *LOSS)
    look = "cp -r runs/.store before"
    check = "rm runs/tiny/summary.json; diff -r before runs/.store"
    script = f"{small} && {look} && {{ {large}; code=$?; {check} && {small} && exit $code; }}"
    code, error = mounted(
        environment, tmp_path, "mount -t tmpfs -o size=256k tmpfs runs/.store", f"sh -c {shlex.quote(script)}"
    )
    assert code == 4, error
    [line] = [line for line in error.splitlines() if "No space left on device" in line]
    before = sum(file.stat().st_size for file in (tmp_path / "before").rglob("*") if file.is_file())
    needed = re.fullmatch(
        r"runs/\.store/[0-9a-f]{64}\.safetensors: can't be written: No space left on device; "
        r"([\d,]+) bytes are needed to keep dataset\.a\. .*\(--no-store\)",
        line,
    )
    assert needed
    assert int(needed[1].replace(",", "")) + before > 256 * 1024
    assert reused(tmp_path / "runs/tiny") == {"dataset.b"}


@pytest.mark.slow
@pytest.mark.usefixtures("mounts")
def test_row_07_a_full_disk_costs_a_warning_where_little_is_lost(
    environment: Mapping[str, str], experiment: Path, tmp_path: Path
) -> None:
    command = run_with(str(experiment), *LARGE)
    code, error = mounted(environment, tmp_path, "mount -t tmpfs -o size=64k tmpfs runs/.store", command)
    assert code == 0, error
    assert "No space left on device" in error
    assert "dataset.a is not kept for later runs" in error
    assert (tmp_path / "runs/tiny/tables/dataset.a.all.csv").read_text().endswith("\n44999\n")


READ_ONLY = "mount --bind runs/.store runs/.store && mount -o remount,ro,bind runs/.store"


@pytest.mark.slow
@pytest.mark.usefixtures("mounts")
def test_row_14_a_read_only_store_is_read_and_nothing_is_trained_beside_it(
    flowlab: Run, environment: Mapping[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "trained.toml"
    file.write_text(TRAINED)
    assert flowlab("run", file).returncode == 0
    code, error = mounted(environment, tmp_path, READ_ONLY, run_with(str(file)))
    assert (code, reused(tmp_path / "runs/trained")) == (0, {"denoiser.al"}), error
    assert "warning" not in error
    # so many steps that a training would outlast the time that is given to it
    more = run_with(str(file), "--set", "optimizer.al.steps=10_000_000")
    code, error = mounted(environment, tmp_path, READ_ONLY, more)
    assert code == 4, error
    assert "runs/.store: can't be written: Read-only file system; denoiser.al is not trained, for it" in error
    code, error = mounted(environment, tmp_path, READ_ONLY, run_with(str(file), "--no-store", "--out", "o"))
    assert code == 0, error


@pytest.mark.slow
@pytest.mark.usefixtures("mounts")
def test_row_08_a_disk_that_is_full_of_the_report(
    flowlab: Run, environment: Mapping[str, str], experiment: Path, tmp_path: Path
) -> None:
    (tmp_path / "runs/tiny").mkdir()
    command = run_with(str(experiment), *LONG)
    # room for the lock and a table, and for no figure
    code, error = mounted(environment, tmp_path, "mount -t tmpfs -o size=16k tmpfs runs/tiny", command)
    assert code == 4, error
    assert "can't be written: No space left on device" in error
    assert "Traceback" not in error
    again = flowlab("run", experiment, *LONG)
    assert again.returncode == 0, again.stderr
    assert reused(tmp_path / "runs/tiny") == {"dataset.a"}
    assert (tmp_path / "runs/tiny/report.html").exists()
