"""A backend of matplotlib that isn't there, named by the environment."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest


@pytest.mark.parametrize("backend", ["nonsense", "qtagg"])
def test_a_run_draws_its_figures_whatever_the_backend(
    environment: Mapping[str, str], experiment: Path, tmp_path: Path, backend: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "flowlab", "run", str(experiment), "--no-store"],
        env={**environment, "MPLBACKEND": backend},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert list((tmp_path / "runs/tiny/figures").glob("*.png"))
