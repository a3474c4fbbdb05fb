"""A sweep over seeds through the real entry point."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import tomli
from summaries import statuses

Run = Callable[..., "subprocess.CompletedProcess[str]"]

EXPERIMENT = """
[experiment]
name = "seeds"
seeds = 3

[dataset.box]
use = "orthogonal"
dimension = 4
points = 3
samples = 30
frame = "standard"

[sweep.points]
"dataset.box.points" = [3, 5]

[schedule.low]
use = "variance-exploding"
final_time = 0.01
levels = 3

[optimizer.exact]
use = "max-margin"

[denoiser.slabs]
use = "shallow-relu"
dataset = "box"
schedule = "low"
optimizer = "exact"

[flow.pf]
use = "probability"
denoiser = "slabs"
spread = 0.5
samples = 40

[classifier.ends]
use = "stable-points"
flow = ["pf"]

[analysis.fractions]
use = "class-fractions"
classifier = "ends"

[analysis.some]
use = "claim"
text = "not all starts end in training points"
source = "Section 5"
ours = "fractions"
metric = "pf.training"
percent = true
at_most = 0.95

[analysis.falls]
use = "claim"
text = "the fewer the more points there are"
source = "Section 5"
ours = "fractions"
metric = "pf.training"
percent = true
trend = "falling"

[figure.over]
use = "fractions-over-sweep"
analysis = "fractions"
over = "points"
"""


@pytest.mark.slow
def test_a_run_over_seeds_is_judged_verified_and_run_again(flowlab: Run, tmp_path: Path) -> None:
    (tmp_path / "seeds.toml").write_text(EXPERIMENT)
    assert flowlab("check", "seeds.toml").returncode == 0
    done = flowlab("run", "seeds.toml", "--no-store")
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "runs/seeds"
    found = statuses(folder)
    assert [name for name in found if name.startswith("denoiser")] == [
        f"denoiser.slabs[points={n},seed={seed}]" for n in (3, 5) for seed in range(3)
    ]
    assert "figure.over" in found  # one picture of all seeds
    summary = json.loads((folder / "summary.json").read_text())
    some, falls = summary["claims"]
    assert (some["verdict"], [len(row) for row in some["by_seed"]]) == ("holds", [2, 2, 2])
    assert len({json.dumps(row) for row in some["by_seed"]}) > 1
    assert falls["verdict"] == "undecided"  # three blocks of two settings: p = 1/8 at the least
    assert "undecided: Page p = " in done.stdout
    ends = summary["nodes"]["analysis"]["fractions[points=3,seed=1]"]["metrics"]["pf"]
    assert flowlab("verify", "runs/seeds", "--exact").returncode == 0
    again = flowlab("rerun", "runs/seeds", "--out", "again")
    assert again.returncode == 0, again.stderr
    nodes = [tomli.loads((place / "lock.toml").read_text())["nodes"] for place in (folder, tmp_path / "again")]
    digests = [{name: node["digest"] for name, node in each.items()} for each in nodes]
    assert digests[0] == digests[1]
    # the settings of one seed are what a run at that seed alone makes of them
    alone = flowlab(
        "run", "seeds.toml", "--set", "experiment.seeds=1", "--set", "experiment.seed=1", "--out", "one"
    )
    assert alone.returncode == 0, alone.stderr
    one = json.loads((tmp_path / "one/summary.json").read_text())
    assert one["nodes"]["analysis"]["fractions[points=3]"]["metrics"]["pf"] == ends
    assert one["claims"][0]["verdict"] == "holds"


@pytest.mark.slow
def test_what_one_seed_stored_a_sweep_over_seeds_takes(flowlab: Run, tmp_path: Path) -> None:
    trained = EXPERIMENT.replace('use = "max-margin"', 'use = "augmented-lagrangian"\nsteps = 20')
    (tmp_path / "seeds.toml").write_text(trained)
    assert (
        flowlab("run", "seeds.toml", "--set", "experiment.seeds=1", "--set", "experiment.seed=2").returncode == 0
    )
    assert flowlab("run", "seeds.toml", "--out", "runs/all").returncode == 0
    nodes = json.loads((tmp_path / "runs/all/summary.json").read_text())["nodes"]["denoiser"]
    assert [label for label, node in nodes.items() if node["reused"]] == [
        f"slabs[points={n},seed=2]" for n in (3, 5)
    ]
