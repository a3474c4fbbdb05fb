"""A training that is stopped from outside, and run again: through the real entry point."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

EXPERIMENT = """
[experiment]
name = "long"

[dataset.box]
use = "orthogonal"
dimension = 4
points = 4
samples = 60

[schedule.levels]
use = "noise-levels"
levels = [0.08, 0.05]

[optimizer.al]
use = "augmented-lagrangian"
steps = 25_000

[denoiser.trained]
use = "shallow-relu"
dataset = "box"
schedule = "levels"
optimizer = "al"
width = 150
"""


def figures(folder: Path) -> dict[str, Any]:
    metrics: dict[str, Any] = json.loads((folder / "summary.json").read_text())["nodes"]["denoiser"]["trained"]
    return {name: value for name, value in metrics.items() if name != "seconds"}


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGKILL, -9)])
def test_a_stopped_training_is_resumed_to_the_same_figures(
    tmp_path: Path, number: signal.Signals, code: int
) -> None:
    file = tmp_path / "long.toml"
    file.write_text(EXPERIMENT)
    command = [sys.executable, "-m", "flowlab", "run", str(file), "--device", "cpu", "--no-store", "--out"]
    with subprocess.Popen([*command, "cut"], cwd=tmp_path, stderr=subprocess.PIPE, text=True) as process:
        for _ in range(600):
            if list((tmp_path / "cut/checkpoints").glob("*.safetensors")) or process.poll() is not None:
                break
            time.sleep(0.1)
        process.send_signal(number)
        process.communicate(timeout=60)
    assert process.returncode == code
    again = subprocess.run([*command, "cut"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    assert "denoiser.trained resumes from step" in again.stderr
    assert not (tmp_path / "cut/checkpoints").exists()
    whole = subprocess.run([*command, "whole"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "resumes" not in whole.stderr
    assert figures(tmp_path / "cut") == figures(tmp_path / "whole")
