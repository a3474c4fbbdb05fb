"""A file that extends another, through the real entry point: run, rerun and verified without either file."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import tomli

Run = Callable[..., "subprocess.CompletedProcess[str]"]

BASE = """
[experiment]
name = "base"

[dataset.points]
use = "orthogonal"
dimension = 4
points = 3

[schedule.low]
use = "noise-levels"
levels = [0.1]

[denoiser.theory]
use = "closed-form"
dataset = "points"
schedule = "low"

[flow.pf]
use = "probability"
denoiser = "theory"
samples = 10
"""
OWN = """
[experiment]
name = "own"
extends = "files/base.toml"

[flow.pf]
samples = 12
"""


@pytest.mark.slow
def test_a_lock_holds_both_files(flowlab: Run, tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "files/base.toml").write_text(BASE)
    (tmp_path / "own.toml").write_text(OWN)
    done = flowlab("run", "own.toml")
    assert done.returncode == 0, done.stderr
    locked = tomli.loads((tmp_path / "runs/own/lock.toml").read_text())["experiment"]
    assert locked["experiment"]["name"] == "own"
    assert "extends" not in locked["experiment"]
    assert (locked["flow"]["pf"]["samples"], locked["dataset"]["points"]["points"]) == (12, 3)
    shutil.rmtree(tmp_path / "files")
    (tmp_path / "own.toml").unlink()
    again = flowlab("rerun", "runs/own", "--out", "again", "--no-store")
    assert again.returncode == 0, again.stderr
    assert "another result" not in again.stderr
    assert flowlab("verify", "runs/own", "--exact").returncode == 0


def test_a_missing_base_is_told_where_it_is_named(flowlab: Run, tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(OWN)
    found = flowlab("check", "own.toml")
    assert found.returncode == 2
    assert "own.toml:4:11: extends = 'files/base.toml': there is no such file" in found.stderr
