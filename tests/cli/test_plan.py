"""`flowlab plan` and `--only` through the real entry point."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import tomli

Run = Callable[..., "subprocess.CompletedProcess[str]"]
LONG = ("--set", "dataset.a.nap=0.2")  # long enough to be kept
SWEEP = '\n[sweep.p]\n"dataset.a.points" = [1, 2]\n'


@pytest.fixture
def sweep(experiment: Path) -> Path:
    experiment.write_text(experiment.read_text() + SWEEP)
    return experiment


def actions(done: subprocess.CompletedProcess[str]) -> dict[str, str]:
    assert done.returncode == 0, done.stderr
    return {name: node["action"] for name, node in json.loads(done.stdout)["nodes"].items()}


def test_before_any_run_nothing_is_known(flowlab: Run, experiment: Path, tmp_path: Path) -> None:
    planned = flowlab("plan", experiment)
    assert planned.returncode == 0, planned.stderr
    lines = planned.stdout.splitlines()
    assert lines[0] == "dataset.a: computed; time unknown"
    assert lines[1] == "  no result of it is stored in runs/.store"
    assert (
        "4 to compute, 0 to reuse; estimated time: unknown for dataset.a, dataset.b, figure.f, figure.g"
        in lines[-1]
    )
    assert not (tmp_path / "runs").exists()


def test_what_the_plan_says_is_what_the_run_does(flowlab: Run, sweep: Path, tmp_path: Path) -> None:
    assert flowlab("run", sweep, *LONG, "--quiet").returncode == 0
    sweep.write_text(sweep.read_text().replace("[1, 2]", "[2, 3]"))
    planned = actions(flowlab("plan", sweep, *LONG, "--json"))
    assert planned["dataset.a[points=2]"] == "reuse"
    assert planned["dataset.a[points=3]"] == "compute"
    text = flowlab("plan", sweep, *LONG).stdout
    assert (
        "dataset.a: 1 of 2 computed, 1 reused; about 0.2 s, from 2 stored results\n  points=3: since the" in text
    )
    assert "    dataset.a.points: " in text
    assert "dataset.b: computed; about 0.0 s, from the last run" in text
    assert "estimated time: about " in text
    assert flowlab("run", sweep, *LONG, "--quiet").returncode == 0
    summary = json.loads((tmp_path / "runs/tiny/summary.json").read_text())
    done = {
        f"{kind}.{name}": "reuse" if node["reused"] else "compute"
        for kind, nodes in summary["nodes"].items()
        for name, node in nodes.items()
    }
    assert done == planned


def test_only_runs_a_node_and_what_it_needs(flowlab: Run, sweep: Path, tmp_path: Path) -> None:
    assert flowlab("run", sweep, "--quiet").returncode == 0
    whole = (tmp_path / "runs/tiny/summary.json").read_bytes()
    part = flowlab("run", sweep, "--only", "figure.f", "--quiet")
    assert part.returncode == 0, part.stderr
    assert (tmp_path / "runs/tiny/summary.json").read_bytes() == whole
    folder = tmp_path / "runs/tiny-figure.f"
    nodes = tomli.loads((folder / "lock.toml").read_text())["nodes"]
    assert set(nodes) == {f"{node}[points={n}]" for node in ("dataset.a", "figure.f") for n in (1, 2)}
    assert set(actions(flowlab("plan", sweep, "--only", "figure.f", "--json"))) == set(nodes)
    # its lock is that of a smaller experiment, which comes out the same again
    assert flowlab("verify", folder, "--exact", "--quiet").stdout == "verified: 4 nodes, by digests\n"


def test_only_without_the_sweep_of_another(flowlab: Run, sweep: Path, tmp_path: Path) -> None:
    assert flowlab("run", sweep, "--only", "figure.g", "--quiet").returncode == 0
    experiment = tomli.loads((tmp_path / "runs/tiny-figure.g/lock.toml").read_text())["experiment"]
    assert set(experiment) == {"experiment", "dataset", "figure"}
    assert set(experiment["dataset"]) == {"b"}


def test_a_mistyped_node(flowlab: Run, experiment: Path, tmp_path: Path) -> None:
    for command in ("run", "plan"):
        done = flowlab(command, experiment, "--only", "figure.ff")
        assert done.returncode == 2
        assert "there is no node 'figure.ff' (kind.name) (did you mean 'figure.f'?)" in done.stderr
    assert not (tmp_path / "runs").exists()


def test_a_damaged_store(flowlab: Run, experiment: Path, tmp_path: Path) -> None:
    assert flowlab("run", experiment, *LONG, "--quiet").returncode == 0
    [file] = (tmp_path / "runs/.store").glob("*.safetensors")
    file.write_bytes(file.read_bytes()[:-1])
    text = flowlab("plan", experiment, *LONG).stdout
    assert (
        f"dataset.a: computed; about 0.2 s, from 1 stored result\n  {file.relative_to(tmp_path)}: damaged" in text
    )
    assert file.exists()
