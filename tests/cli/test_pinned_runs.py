"""Pinned seeds through the real entry point: what is computed again, and what is said of it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tomli

Run = Callable[..., "subprocess.CompletedProcess[str]"]

EXPERIMENT = """
[experiment]
name = "pinned"

[dataset.box]
use = "orthogonal"
dimension = 4
points = 3
samples = 30
seed = 3

[schedule.low]
use = "noise-levels"
levels = [0.1, 0.05]

[optimizer.al]
use = "augmented-lagrangian"
steps = 20

[denoiser.net]
use = "shallow-relu"
dataset = "box"
schedule = "low"
optimizer = "al"
width = 12
seed = 0

[flow.pf]
use = "probability"
denoiser = "net"
samples = 10

[classifier.ends]
use = "stable-points"
flow = ["pf"]

[analysis.fractions]
use = "class-fractions"
classifier = "ends"
"""


def write(folder: Path, *changes: tuple[str, str]) -> None:
    text = EXPERIMENT
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (folder / "pinned.toml").write_text(text)


def nodes_of(run: Path, kind: str) -> dict[str, Any]:
    nodes: dict[str, Any] = json.loads((run / "summary.json").read_text())["nodes"][kind]
    return nodes


RENAMED = (
    ("dataset.box", "dataset.corner"),
    ('"box"', '"corner"'),
    ("schedule.low", "schedule.two"),
    ('"low"', '"two"'),
    ("optimizer.al", "optimizer.method"),
    ('"al"', '"method"'),
    ("denoiser.net", "denoiser.bank"),
    ('"net"', '"bank"'),
)


def test_a_renamed_pinned_node_is_reused(flowlab: Run, tmp_path: Path) -> None:
    write(tmp_path)
    assert flowlab("run", "pinned.toml", "--out", "runs/first").returncode == 0
    write(tmp_path, *RENAMED)
    again = flowlab("run", "pinned.toml", "--out", "runs/again", "--set", "experiment.seed=9")
    assert again.returncode == 0, again.stderr
    assert nodes_of(tmp_path / "runs/again", "denoiser")["bank"]["reused"]
    told = flowlab("explain", "pinned.toml", "denoiser.bank", "--set", "denoiser.bank.seed=1")
    assert told.stdout.splitlines()[2:] == ["    denoiser.bank.seed: 0 -> 1"]
    unpinned = flowlab("explain", "pinned.toml", "denoiser.bank", "--set", "denoiser.bank.width=13")
    assert unpinned.stdout.splitlines()[2:] == ["    denoiser.bank.width: 12 -> 13"]


@pytest.mark.slow
def test_a_renamed_tool_is_no_reason_to_train_again(flowlab: Run, tmp_path: Path) -> None:
    free = (("seed = 3\n", ""), ("seed = 0\n", ""))
    write(tmp_path, *free)
    assert flowlab("run", "pinned.toml", "--out", "runs/first").returncode == 0
    write(tmp_path, *free, *RENAMED[2:6])
    assert flowlab("run", "pinned.toml", "--out", "runs/again").returncode == 0
    assert nodes_of(tmp_path / "runs/again", "denoiser")["net"]["reused"]
    write(tmp_path, *free, *RENAMED[:2])  # a name that seeds draws
    told = flowlab("explain", "pinned.toml", "denoiser.net").stdout
    assert '    denoiser.net.dataset: "box" -> "corner"' in told


@pytest.mark.slow
def test_a_sweep_over_seeds_trains_a_pinned_network_once(flowlab: Run, tmp_path: Path) -> None:
    write(tmp_path)
    done = flowlab("run", "pinned.toml", "--set", "experiment.seeds=3")
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "runs/pinned"
    assert list(nodes_of(folder, "denoiser")) == ["net"]
    assert list(nodes_of(folder, "flow")) == [f"pf[seed={seed}]" for seed in range(3)]
    locked = tomli.loads((folder / "lock.toml").read_text())
    assert (locked["experiment"]["dataset"]["box"]["seed"], locked["experiment"]["denoiser"]["net"]["seed"]) == (
        3,
        0,
    )
    assert len({node["digest"] for name, node in locked["nodes"].items() if name.startswith("flow")}) == 3
    again = flowlab("rerun", "runs/pinned", "--out", "again", "--no-store")
    assert again.returncode == 0, again.stderr
    assert "another result" not in again.stderr
    other = flowlab(
        "run", "pinned.toml", "--set", "experiment.seeds=3", "--set", "denoiser.net.seed=4", "--out", "o"
    )
    assert other.returncode == 0, other.stderr
    assert "denoiser.net.seed  0  ->  4" in flowlab("diff", "runs/pinned", "o").stdout


@pytest.mark.slow
def test_a_pinned_experiment_is_the_same_in_worker_processes(flowlab: Run, tmp_path: Path) -> None:
    write(tmp_path)
    digests = []
    for where, executor in (("here", ()), ("there", ("--executor", "local", "--set", "executor.workers=2"))):
        done = flowlab("run", "pinned.toml", "--set", "experiment.seeds=2", "--out", f"{where}/run", *executor)
        assert done.returncode == 0, done.stderr
        nodes = tomli.loads((tmp_path / where / "run/lock.toml").read_text())["nodes"]
        digests.append({name: node["digest"] for name, node in nodes.items() if "digest" in node})
    assert digests[0] == digests[1]


def test_the_key_is_in_what_the_tool_says_of_itself(flowlab: Run, tmp_path: Path) -> None:
    assert "pins its draws" in flowlab("describe", "orthogonal").stdout
    assert "pins its draws" not in flowlab("describe", "max-margin").stdout
    schema = json.loads(flowlab("schema").stdout)
    assert schema["$defs"]["dataset.orthogonal"]["properties"]["seed"]["minimum"] == 0
    assert "seed" not in schema["$defs"]["optimizer.max-margin"]["properties"]
    assert any(
        "dataset" in key and key.endswith("seed$")
        for key in schema["properties"]["sweep"]["additionalProperties"]["patternProperties"]
    )
