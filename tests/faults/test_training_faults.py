"""A training that runs off: through the real entry point."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from summaries import reused, statuses

Run = Callable[..., "subprocess.CompletedProcess[str]"]

EXPERIMENT = """
[experiment]
name = "two"

[dataset.box]
use = "orthogonal"
dimension = 2
points = 3
samples = 10

[schedule.levels]
use = "noise-levels"
levels = [0.08, 0.05]

[optimizer.sound]
use = "augmented-lagrangian"
steps = 50

[optimizer.hasty]
use = "augmented-lagrangian"
steps = 50
learning_rate = 1e30

[denoiser.hasty]
use = "shallow-relu"
dataset = "box"
schedule = "levels"
optimizer = "hasty"
width = 12

[denoiser.sound]
use = "shallow-relu"
dataset = "box"
schedule = "levels"
optimizer = "sound"
width = 12
"""
SAID = (
    r"failed: denoiser\.hasty: level \d \(sigma 0\.0[58]\): the loss is not finite at step \d+ "
    r"\(last finite violation: \d[\d.e+]*\); lower learning_rate or penalty_end"
)


@pytest.mark.slow
def test_row_22_a_loss_that_is_not_finite(flowlab: Run, tmp_path: Path) -> None:
    file = tmp_path / "two.toml"
    file.write_text(EXPERIMENT)
    for known in (set(), {"denoiser.sound"}):  # what failed is tried again, what did not is not
        done = flowlab("run", file, "--quiet")
        assert done.returncode == 1
        assert re.search(SAID, done.stdout), done.stdout
        assert done.stderr == ""
        found = statuses(tmp_path / "runs/two")
        assert (found["denoiser.hasty"], found["denoiser.sound"]) == ("failed", "short")
        assert reused(tmp_path / "runs/two") == known
        assert len(list((tmp_path / "runs/.store").glob("*.safetensors"))) == 1
