"""A second run, `flowlab explain` and `flowlab gc` through the real entry point."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from summaries import reused

Run = Callable[..., "subprocess.CompletedProcess[str]"]
LONG = ("--set", "dataset.a.nap=0.2")  # long enough to be kept


@pytest.fixture
def kept(flowlab: Run, experiment: Path, tmp_path: Path) -> Path:
    """The file of dataset.a in the store of a run."""
    assert flowlab("run", experiment, *LONG, "--quiet").returncode == 0
    [file] = (tmp_path / "runs/.store").iterdir()
    return file


def test_a_second_run_reuses_and_says_so(flowlab: Run, experiment: Path, tmp_path: Path) -> None:
    first = flowlab("run", experiment, *LONG)
    assert "reused" not in first.stderr + first.stdout
    assert reused(tmp_path / "runs/tiny") == set()
    second = flowlab("run", experiment, *LONG, "--out", "runs/again")
    assert "dataset.a: done, reused, in 0.0 s" in second.stderr
    assert "4 of 4 nodes" in second.stdout
    assert "1 reused" in second.stdout
    assert reused(tmp_path / "runs/again") == {"dataset.a"}
    assert 'reused = [\n    "dataset.a",\n]' in (tmp_path / "runs/again/lock.toml").read_text()
    for name in ("tables/dataset.a.all.csv", "figures/f.png", "figures/f.pdf"):
        assert (tmp_path / "runs/again" / name).read_bytes() == (tmp_path / "runs/tiny" / name).read_bytes()
    third = flowlab("run", experiment, *LONG, "--out", "runs/third", "--no-store")
    assert third.returncode == 0
    assert reused(tmp_path / "runs/third") == set()


def test_explain(flowlab: Run, experiment: Path, kept: Path) -> None:
    same = flowlab("explain", experiment, "dataset.a", *LONG)
    assert same.returncode == 0, same.stderr
    assert same.stdout.splitlines()[0].startswith("dataset.a: would be reused, computed in 0.2 s")
    other = flowlab("explain", experiment, "dataset.a", *LONG, "--set", "dataset.a.points=4")
    assert other.stdout.splitlines() == [
        "dataset.a: would be computed",
        "  since the nearest stored result:",
        "    dataset.a.points: 3 -> 4",
    ]
    absent = flowlab("explain", experiment, "dataset.b")
    assert absent.stdout.startswith("dataset.b: would be computed\n  no result of it is stored in runs/.store")
    kept.write_bytes(kept.read_bytes()[:-1])
    assert "damaged" in flowlab("explain", experiment, "dataset.a", *LONG).stdout
    assert kept.exists()  # explain changes nothing


def test_explain_of_no_node(flowlab: Run, experiment: Path) -> None:
    done = flowlab("explain", experiment, "dataset.aa")
    assert done.returncode == 2
    assert "there is no node 'dataset.aa' (did you mean 'dataset.a'?)" in done.stderr


def test_explain_of_a_sweep(flowlab: Run, experiment: Path) -> None:
    experiment.write_text(experiment.read_text() + '\n[sweep.p]\n"dataset.a.points" = [1, 2]\n')
    both = flowlab("explain", experiment, "dataset.a").stdout.splitlines()
    assert [line for line in both if "would be" in line] == [
        "dataset.a[points=1]: would be computed",
        "dataset.a[points=2]: would be computed",
    ]
    assert "points=1" not in flowlab("explain", experiment, "dataset.a[points=2]").stdout


def test_gc(flowlab: Run, kept: Path) -> None:
    store, old = kept.parent, time.time() - 31 * 86_400
    stale = store / f"{'0' * 64}.safetensors"
    foreign = store / "model.safetensors"
    crumbs = [store / f".{stale.name}.12.tmp", store / f"{'0' * 64}.lock"]
    for file in (stale, foreign, *crumbs):
        file.write_bytes(b"12345")
        os.utime(file, (old, old))
    fresh = store / f".{stale.name}.13.tmp"
    fresh.write_bytes(b"12345")
    size = f"{kept.stat().st_size:,} bytes"
    dry = flowlab("gc", "--dry-run")
    assert dry.stdout == f"runs/.store: 3 files (15 bytes) would be removed, 1 file ({size}) kept\n"
    assert stale.exists()
    assert flowlab("gc").stdout == f"runs/.store: 3 files (15 bytes) removed, 1 file ({size}) kept\n"
    assert set(store.iterdir()) == {kept, foreign, fresh}
    assert (
        flowlab("gc", "--keep-days", "0").stdout
        == f"runs/.store: 1 file ({size}) removed, 0 files (0 bytes) kept\n"
    )
    assert set(store.iterdir()) == {foreign, fresh}
    assert flowlab("gc", "nowhere").stdout.startswith("nowhere/.store: 0 files (0 bytes) removed")
