"""`flowlab run` through the real entry point."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from summaries import statuses

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def test_a_run(flowlab: Run, experiment: Path, tmp_path: Path) -> None:
    done = flowlab("run", experiment, "--set", "dataset.a.points=5")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-2:] == ["runs/tiny/report.html", "runs/tiny/figures/f.png"]
    assert "[1/4] dataset.a (made-source)" in done.stderr
    folder = tmp_path / "runs/tiny"
    assert set(statuses(folder).values()) == {"done"}
    assert (folder / "tables/dataset.a.all.csv").read_text() == "n\n0\n1\n2\n3\n4\n"
    assert 'made-up = "1.5"' in (folder / "lock.toml").read_text()


def test_json_and_quiet(flowlab: Run, experiment: Path, tmp_path: Path) -> None:
    done = flowlab("run", experiment, "--json", "--quiet", "--out", "o", "--device", "cpu")
    assert done.returncode == 0
    assert done.stderr == ""
    assert json.loads(done.stdout) == json.loads((tmp_path / "o/summary.json").read_text())


@pytest.mark.parametrize(("fault", "message"), [("node", "too few points"), ("defect", "ZeroDivisionError: oh")])
def test_a_failing_node_leaves_its_siblings(
    flowlab: Run, experiment: Path, tmp_path: Path, fault: str, message: str
) -> None:
    done = flowlab("run", experiment, "--set", f"dataset.a.fault='{fault}'", "--out", "o")
    assert done.returncode == 1
    assert f"failed: dataset.a: {message}" in done.stdout
    assert "Traceback" not in done.stderr
    assert done.stdout.splitlines()[-1] == "o/figures/g.png"
    assert statuses(tmp_path / "o") == {
        "dataset.a": "failed", "dataset.b": "done", "figure.f": "skipped", "figure.g": "done",
    }  # fmt: skip


def test_debug_shows_where_a_component_broke(flowlab: Run, experiment: Path) -> None:
    done = flowlab("run", experiment, "--set", "dataset.a.fault='defect'", "--debug")
    assert 'raise ZeroDivisionError("oh")' in done.stderr


def test_an_unwritable_folder_is_told_before_any_work(flowlab: Run, experiment: Path, tmp_path: Path) -> None:
    (tmp_path / "o").write_text("mine")
    done = flowlab("run", experiment, "--out", "o")
    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr.startswith("o: can't be written")
    assert (tmp_path / "o").read_text() == "mine"


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs a folder that root can't write to")
def test_a_folder_that_nobody_can_write(flowlab: Run, experiment: Path) -> None:
    done = flowlab("run", experiment, "--out", "/proc/flowlab")
    assert done.returncode == 4
    assert "/proc/flowlab" in done.stderr


def test_a_bad_device(flowlab: Run, experiment: Path, tmp_path: Path) -> None:
    done = flowlab("run", experiment, "--device", "abacus")
    assert done.returncode == 2
    assert done.stderr == "--device: 'abacus' is none of cpu, cuda, auto\n"
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("node", "options"), [("dataset.a", ()), ("figure.f", ("--executor", "local", "--set", "executor.workers=1"))]
)
def test_a_component_that_ends_the_process_has_failed(
    flowlab: Run, experiment: Path, node: str, options: tuple[str, ...]
) -> None:
    done = flowlab("run", experiment, "--set", f'{node}.fault="exit"', *options)
    assert done.returncode == 1
    assert f"{node}: SystemExit: 0" in done.stdout
