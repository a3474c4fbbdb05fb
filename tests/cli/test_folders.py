"""A run is the same from any folder, and after it was moved with its store."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

Run = Callable[..., "subprocess.CompletedProcess[str]"]
LONG = ("--set", "dataset.a.nap=1.2")  # so long that a figure isn't drawn without it


@pytest.fixture
def run(flowlab: Run, experiment: Path, tmp_path: Path) -> Path:
    assert flowlab("run", experiment, *LONG, "--quiet").returncode == 0
    return tmp_path / "runs/tiny"


@pytest.mark.parametrize("place", ["inside", "outside"])
def test_from_any_folder(run: Path, tmp_path: Path, environment: Mapping[str, str], place: str) -> None:
    moved = tmp_path / "archive"
    run.parent.rename(moved)
    folder = moved / "tiny" if place == "inside" else tmp_path / "elsewhere"
    folder.mkdir(exist_ok=True)
    name = "." if place == "inside" else "../archive/tiny"

    def call(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "flowlab", *arguments]
        return subprocess.run(
            command, env=environment, cwd=folder, capture_output=True, text=True, timeout=100, check=False
        )

    drawn = call("figure", name, "f", "--out", "f.pdf")
    assert (drawn.returncode, drawn.stderr) == (0, "")
    assert (folder / "f.pdf").read_bytes().startswith(b"%PDF")
    verified = call("verify", name, "--exact", "--quiet")
    assert (verified.returncode, verified.stdout) == (0, "verified: 4 nodes, by digests\n")
    again = call("rerun", name, "--quiet")
    assert again.returncode == 0, again.stderr
    assert "1 reused" in again.stdout
    assert (moved / "tiny-rerun/lock.toml").is_file()
    assert call("export", name, "--table", "nodes").returncode == 0
