"""Who does the work is said on the command line or in the file, once."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from summaries import results, reused

Run = Callable[..., "subprocess.CompletedProcess[str]"]

LOCAL = '\n[executor.here]\nuse = "local"\nworkers = 2\n'


FLOWS = """
[experiment]
name = "flows"
threads = 1

[dataset.box]
use = "orthogonal"
dimension = 2
points = 3
samples = 10

[schedule.levels]
use = "noise-levels"
levels = [0.08, 0.05]

[optimizer.slabs]
use = "max-margin"

[denoiser.trained]
use = "shallow-relu"
dataset = "box"
schedule = "levels"
optimizer = "slabs"

[denoiser.theory]
use = "closed-form"
dataset = "box"
schedule = "levels"

[integrator.ddim]
use = "ddim"

[flow.pf]
use = "probability"
denoiser = "trained"
integrator = "ddim"
samples = 20

[flow.score]
use = "score"
denoiser = "theory"
integrator = "ddim"
samples = 20
sigma = 0.05

[classifier.ends]
use = "stable-points"
flow = ["pf"]
threshold = 0.3

[sweep.samples]
"dataset.box.samples" = [10, 12]
"""


def viewed(folder: Path) -> Any:
    """The data of the interactive view on a run's page."""
    found = re.search(
        r'<script type="application/json" id="view-data">(.*?)</script>', (folder / "report.html").read_text()
    )
    assert found is not None
    return json.loads(found[1])


def refused(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


def say(experiment: Path, text: str) -> None:
    experiment.write_text(experiment.read_text() + text)


@pytest.mark.slow
def test_an_executor_is_chosen_and_its_results_are_reused_without(
    flowlab: Run, experiment: Path, tmp_path: Path
) -> None:
    one = ("--set", "experiment.threads=1")
    local = flowlab("run", experiment, *one, "--executor", "local", "--set", "executor.workers=2")
    assert local.returncode == 0, local.stderr
    lock = (tmp_path / "runs/tiny/lock.toml").read_text()
    assert '[experiment.executor.local]\nuse = "local"\nworkers = 2\n' in lock
    here = flowlab("run", experiment, *one, "--out", "runs/here")
    assert here.returncode == 0, here.stderr
    assert reused(tmp_path / "runs/here") == {"dataset.a", "dataset.b"}
    found, wanted = (results(tmp_path / "runs" / name) for name in ("tiny", "here"))
    assert found.pop("executor.local")["status"] == "done"
    assert found == wanted


@pytest.mark.slow
def test_the_page_shows_the_same_flows(flowlab: Run, tmp_path: Path) -> None:
    (tmp_path / "flows.toml").write_text(FLOWS)
    here = flowlab("run", "flows.toml", "--out", "here/flows")
    assert here.returncode == 0, here.stderr
    crew = ("--executor", "local", "--set", "executor.workers=2")
    there = flowlab("run", "flows.toml", "--out", "there/flows", *crew)
    assert there.returncode == 0, there.stderr
    wanted, found = (viewed(tmp_path / name / "flows") for name in ("here", "there"))
    assert found == wanted
    assert [(flow["label"], flow["threshold"]) for flow in wanted["flows"]] == [
        ("pf[samples=10]", 0.3),
        ("pf[samples=12]", 0.3),
        ("score[samples=10]", 0.2),
        ("score[samples=12]", 0.2),
    ]


def test_none_takes_a_files_executor_away(flowlab: Run, experiment: Path, tmp_path: Path) -> None:
    say(experiment, LOCAL)
    done = flowlab("run", experiment, "--executor", "none", "--no-store")
    assert done.returncode == 0, done.stderr
    assert "executor" not in (tmp_path / "runs/tiny/lock.toml").read_text()


@pytest.mark.parametrize("command", ["check", "run", "explain"])
def test_an_executor_that_is_not_there(flowlab: Run, experiment: Path, command: str) -> None:
    also = ("dataset.a",) if command == "explain" else ()
    choice = ("--executor", "locol") if command == "run" else ("--set", "executor=locol")
    error = refused(flowlab(command, experiment, *also, *choice))
    assert "--set executor=locol" in error
    assert "(did you mean 'local'?)" in error


def test_an_executor_takes_a_store(flowlab: Run, experiment: Path) -> None:
    error = refused(flowlab("run", experiment, "--executor", "local", "--no-store"))
    assert "--no-store: an executor's processes hand their results over in the store: add --executor none" in error


def test_a_key_that_an_executor_lacks(flowlab: Run, experiment: Path) -> None:
    error = refused(flowlab("run", experiment, "--executor", "local", "--set", "executor.worker=2"))
    assert "(did you mean 'workers'?)" in error
    error = refused(flowlab("run", experiment, "--executor", "local", "--set", "executor.scheduler_file=f"))
    assert "scheduler_file" in error
    error = refused(flowlab("run", experiment, "--set", "executor.workers=2"))
    assert "executor" in error
    error = refused(flowlab("run", experiment, "--executor", "local", "--set", "executor.workers=0"))
    assert "workers" in error


def test_a_second_executor(flowlab: Run, experiment: Path) -> None:
    say(experiment, LOCAL + '\n[executor.there]\nuse = "local"\n')
    error = refused(flowlab("check", experiment))
    assert f"{experiment}:25:1: a second executor: an experiment has one at most" in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("values", ["[1]", "[1, 2]"])
def test_an_executor_is_not_swept(flowlab: Run, experiment: Path, values: str) -> None:
    say(experiment, LOCAL + f'\n[sweep.w]\n"executor.here.workers" = {values}\n')
    error = refused(flowlab("check", experiment))
    assert "an executor can't be swept: it is one for the whole experiment, and changes no result" in error
    assert error.count("\n") == 1


def test_check_and_explain_with_an_executor(flowlab: Run, experiment: Path) -> None:
    checked = flowlab("check", experiment, "--set", "executor=local", "--set", "executor.workers=3")
    assert (checked.returncode, checked.stdout) == (0, f"{experiment}: ok, 5 nodes\n")
    explained = flowlab("explain", experiment, "dataset.a", "--set", "executor=local")
    assert explained.returncode == 0, explained.stderr
    assert explained.stdout.startswith("dataset.a: would be computed")


@pytest.mark.slow
def test_explain_tells_of_what_is_kept_without_its_value(flowlab: Run, tmp_path: Path) -> None:
    (tmp_path / "flows.toml").write_text(FLOWS)
    crew = ("--executor", "local", "--set", "executor.workers=2")
    done = flowlab("run", "flows.toml", *crew)
    assert done.returncode == 0, done.stderr
    explained = flowlab("explain", "flows.toml", "dataset.box").stdout.splitlines()
    told = "its metrics are stored, its value, a TrainingSet, has no form there: built again where a node needs it"
    assert [line.partition(", in ")[0] for line in explained if not line.startswith(" ")] == [
        f"dataset.box[samples={samples}]: {told}" for samples in (10, 12)
    ]
    assert "would be reused" in flowlab("explain", "flows.toml", "flow.pf").stdout
    # and so it is
    again = flowlab("run", "flows.toml")
    assert again.returncode == 0, again.stderr
    found = reused(tmp_path / "runs/flows")
    assert "dataset.box[samples=10]" not in found
    assert "flow.pf[samples=10]" in found
