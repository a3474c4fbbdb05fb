"""A run's folder: one run at a time, and no other experiment's run replaced without a word."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from summaries import statuses

from flowlab.api import OutputError
from flowlab.output.run_lock import lock_run_folder

Run = Callable[..., subprocess.CompletedProcess[str]]


def test_the_second_of_two_runs_at_once_is_refused(
    flowlab: Run, environment: Mapping[str, str], experiment: Path, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "flowlab", "run", str(experiment), "--out", "o", "--no-store"]
    with subprocess.Popen(
        [*command, "--set", "dataset.b.nap=20.0"], env=environment, cwd=tmp_path, stderr=subprocess.PIPE, text=True
    ) as first:
        assert first.stderr is not None
        for line in first.stderr:
            if "dataset.b" in line:
                break
        second = flowlab("run", experiment, "--out", "o")
        first.communicate(timeout=60)
    rule = "o: another run is at work in it: wait for its end, or name another folder with --out\n"
    assert (second.returncode, second.stdout, second.stderr) == (4, "", rule)
    assert first.returncode == 0
    assert set(statuses(tmp_path / "o").values()) == {"done"}
    assert flowlab("run", experiment, "--out", "o").returncode == 0  # the lock ended with the run


def test_a_folder_is_locked_once(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "run"
    with lock_run_folder(folder), pytest.raises(OutputError, match="another run"), lock_run_folder(folder):
        pass
    with lock_run_folder(folder):
        assert list(folder.iterdir()) == []


def test_another_experiment_of_the_same_name(flowlab: Run, experiment: Path, tmp_path: Path) -> None:
    other = tmp_path / "other" / "copied.toml"
    other.parent.mkdir()
    other.write_text(experiment.read_text())
    for _ in range(2):
        assert "replaces" not in flowlab("run", experiment).stderr
    done = flowlab("run", other)
    assert done.returncode == 0
    warning = f"warning: runs/tiny: it holds a run of {experiment}, which this run of {other} replaces\n"
    assert warning in done.stderr
