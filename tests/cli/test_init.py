"""`flowlab init`: an experiment to start from."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from flowlab.api import ExperimentError
from flowlab.graph.graph import load_graph
from flowlab.registry.registry import Registry
from flowlab.scaffold.init import write_first_experiment

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def test_what_it_writes_runs_as_it_says(flowlab: Run, tmp_path: Path) -> None:
    made = flowlab("init", "first")
    assert (made.returncode, made.stdout, made.stderr) == (0, "flowlab run first.toml\n", "")
    done = flowlab("run", "first.toml", "--out", "o", "--quiet")
    assert done.returncode == 0, done.stdout + done.stderr
    summary = json.loads((tmp_path / "o/summary.json").read_text())
    assert summary["experiment"]["name"] == "first"
    assert [claim["verdict"] for claim in summary["claims"]] == ["holds"]
    assert {node["status"] for nodes in summary["nodes"].values() for node in nodes.values()} == {"done"}


def test_a_file_that_is_there_is_left_as_it_is(flowlab: Run, tmp_path: Path) -> None:
    (tmp_path / "experiment.toml").write_text("mine")
    done = flowlab("init")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "experiment.toml: is there already, and is left as it is\n"
    assert (tmp_path / "experiment.toml").read_text() == "mine"


def test_a_folder_that_is_not_there(flowlab: Run) -> None:
    done = flowlab("init", "no/such")
    assert done.returncode == 4
    assert done.stderr == "no/such.toml: can't be written: No such file or directory\n"


@pytest.mark.parametrize("name", ["x", "x.y", "0_-"])
def test_its_name_is_its_file_s(tmp_path: Path, name: str) -> None:
    path = tmp_path / f"{name}.toml"
    write_first_experiment(path)
    assert load_graph(path, (), Registry.installed()).name == name


@pytest.mark.parametrize("name", ["my first", 'a"b', "a\nb = 1", "a\0b", "-"])
def test_a_name_that_no_experiment_has(tmp_path: Path, name: str) -> None:
    with pytest.raises(ExperimentError, match="must be 1 to 100 letters"):
        write_first_experiment(tmp_path / f"{name}.toml")
    assert list(tmp_path.iterdir()) == []
