"""A second run, `flowlab explain` and `flowlab gc` through the real entry point."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from safetensors import safe_open
from safetensors.torch import save_file
from summaries import reused

from flowlab.engine.atomic_file import temporary_path
from flowlab.engine.cache.gc import collect
from flowlab.engine.cache.store import Store

Run = Callable[..., "subprocess.CompletedProcess[str]"]
LONG = ("--set", "dataset.a.nap=0.2")  # long enough to be kept


@pytest.fixture
def kept(flowlab: Run, experiment: Path, tmp_path: Path) -> Path:
    """The file of dataset.a in the store of a run."""
    assert flowlab("run", experiment, *LONG, "--quiet").returncode == 0
    [file] = (tmp_path / "runs/.store").glob("*.safetensors")
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


@pytest.mark.slow
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


def aged(*files: Path) -> None:
    """Make files be last used a month ago."""
    old = time.time() - 31 * 86_400
    for file in files:
        os.utime(file, (old, old))


@pytest.mark.slow
def test_gc(flowlab: Run, kept: Path, tmp_path: Path) -> None:
    store = kept.parent
    stale = store / f"{'0' * 64}.safetensors"
    foreign = store / "model.safetensors"
    crumbs = [temporary_path(stale, 12), store / f"{'0' * 64}.lock"]
    fresh = [temporary_path(stale, 13), store / f"{'1' * 64}.safetensors"]
    for file in (stale, foreign, *crumbs, *fresh):
        file.write_bytes(b"12345")
    aged(kept, stale, foreign, *crumbs)
    before = set(store.iterdir())
    size = f"{kept.stat().st_size + 5:,} bytes"
    dry = flowlab("gc")
    assert dry.stdout == f"runs/.store: 3 files (15 bytes) can go (--delete removes them), 2 files ({size}) kept\n"
    assert set(store.iterdir()) == before
    assert flowlab("gc", "--delete").stdout == f"runs/.store: 3 files (15 bytes) removed, 2 files ({size}) kept\n"
    assert set(store.iterdir()) == before - {stale, *crumbs}
    # what no lock names any more
    shutil.rmtree(tmp_path / "runs/tiny")
    assert "1 file (5 bytes) kept" in flowlab("gc", "--delete").stdout
    assert set(store.iterdir()) == before - {stale, kept, *crumbs}


def test_gc_of_no_store(flowlab: Run, tmp_path: Path) -> None:
    done = flowlab("gc", "nowhere")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "nowhere: there is no such folder: expected a folder of runs\n"
    (tmp_path / "nowhere").mkdir()
    assert flowlab("gc", "nowhere").stdout.startswith("nowhere/.store: 0 files (0 bytes) can go")


@pytest.mark.slow
@pytest.mark.parametrize(
    "text", ["[run", "", '[run]\ndevice = "cpu"\nthreads = 1\nplatform = ""\npython = ""\n[experiment]']
)
def test_gc_beside_a_lock_that_does_not_tell_its_results(
    flowlab: Run, kept: Path, tmp_path: Path, text: str
) -> None:
    shutil.rmtree(tmp_path / "runs/tiny")
    aged(kept)
    crumb = kept.with_suffix(".lock")
    crumb.touch()
    aged(crumb)
    lock = tmp_path / "runs/unknown/lock.toml"
    lock.parent.mkdir()
    lock.write_text(text)
    told = flowlab("gc", "--delete")
    assert told.returncode == 0
    first, second = told.stdout.splitlines()
    assert first.startswith("runs/unknown/lock.toml")
    assert first.endswith("whatever it needs is kept, so all results are")
    assert second.startswith("runs/.store: 1 file (0 bytes) removed, 1 file (")
    assert kept.exists()
    assert not crumb.exists()


@pytest.mark.slow
def test_gc_beside_a_run_at_work(
    flowlab: Run, environment: Mapping[str, str], experiment: Path, kept: Path, tmp_path: Path
) -> None:
    shutil.rmtree(tmp_path / "runs/tiny")  # its lock would keep the result
    aged(kept)
    command = [sys.executable, "-m", "flowlab", "run", str(experiment), *LONG, "--set", "dataset.b.nap=3.0"]
    with subprocess.Popen(command, env=environment, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "dataset.b" in line:
                break
        told = flowlab("gc", "--delete", "--keep-days", "1")
        assert told.stdout.startswith("runs/.store: 0 files (0 bytes) removed")
        assert "warning" not in process.stderr.read()
        assert process.wait(timeout=100) == 0
    assert kept.exists()


def test_gc_keeps_a_day_at_least(flowlab: Run) -> None:
    assert flowlab("gc", "--keep-days", "0").returncode == 2


def made_by_an_older_version(file: Path) -> None:
    """Rewrite a result as the store kept it before its files told their schema, under the same name."""
    with safe_open(file, "pt") as stored:
        labels = {name: text for name, text in stored.metadata().items() if name != "schema"}
        tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
    content = {"schema": 4, "node": {"kind": "dataset", "name": "a"}, "sources": {"flowlab": "0" * 64}}
    save_file(tensors, file, {**labels, "ingredients": json.dumps(content)})


@pytest.mark.slow
def test_results_of_an_older_version_are_not_used_and_garbage(
    flowlab: Run, experiment: Path, kept: Path, tmp_path: Path
) -> None:
    older = kept.rename(kept.with_name(f"{'0' * 64}.safetensors"))
    made_by_an_older_version(older)
    told = flowlab("explain", experiment, "dataset.a", *LONG)
    assert told.returncode == 0, told.stderr
    assert told.stdout.splitlines()[:3] == [
        "dataset.a: would be computed",
        "  no result of it is stored in runs/.store",
        "  (1 result there, made by an older version of the store, can't be used)",
    ]
    second = flowlab("run", experiment, *LONG, "--quiet")
    assert (second.returncode, second.stderr) == (0, "")
    assert reused(tmp_path / "runs/tiny") == set()
    lock = tmp_path / "runs/tiny/lock.toml"
    assert kept.stem in lock.read_text()
    aged(kept, older)
    # a lock file of that time may name it: it is garbage all the same
    both = {kept.stem, older.stem}
    assert [file.path for file in collect(Store(kept.parent), both, 30, delete=False).removed] == [older]
    assert [file.path for file in collect(Store(kept.parent), None, 30, delete=False).removed] == [older]
    assert flowlab("gc", "--delete").stdout.startswith("runs/.store: 1 file (")
    assert kept.exists()
    assert not older.exists()


@pytest.mark.slow
def test_a_result_of_an_older_version_in_the_way_is_put_aside(
    flowlab: Run, experiment: Path, kept: Path, tmp_path: Path
) -> None:
    made_by_an_older_version(kept)
    second = flowlab("run", experiment, *LONG, "--quiet")
    assert second.returncode == 0
    assert "dataset.a is computed again" in second.stderr
    assert reused(tmp_path / "runs/tiny") == set()
