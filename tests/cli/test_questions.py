"""The commands that answer without computing anything."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

Run = Callable[..., "subprocess.CompletedProcess[str]"]

LOADED = """
import sys
from flowlab.cli.app import app
sys.argv = ["flowlab", *{arguments!r}]
try:
    app()
except SystemExit as end:
    assert not end.code, end.code
heavy = {{"torch", "scipy", "matplotlib"}} & set(sys.modules)
assert not heavy, heavy
"""


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["--version"], ["list-components"], ["describe", "made-source"], ["schema"], ["run", "--help"]],
)
def test_nothing_heavy_is_imported(environment: Mapping[str, str], arguments: list[str]) -> None:
    script = LOADED.format(arguments=arguments)
    subprocess.run([sys.executable, "-c", script], env=environment, check=True, timeout=60)


def test_check(flowlab: Run, experiment: Path) -> None:
    done = flowlab("check", experiment)
    assert (done.returncode, done.stdout) == (0, f"{experiment}: ok, 4 nodes\n")


def test_check_tells_every_mistake(flowlab: Run, experiment: Path) -> None:
    text = experiment.read_text().replace("made-source", "made-sauce", 1).replace("points = 2", "points = 0")
    experiment.write_text(text)
    done = flowlab("check", experiment)
    assert (done.returncode, done.stdout) == (2, "")
    assert "made-source" in done.stderr
    assert "points" in done.stderr


def test_a_missing_file(flowlab: Run) -> None:
    done = flowlab("check", "absent.toml")
    assert done.returncode == 2
    assert "absent.toml" in done.stderr
    assert "Traceback" not in done.stderr


def test_usage(flowlab: Run) -> None:
    assert flowlab("run").returncode == 2
    assert flowlab("no-such-command").returncode == 2


def test_version(flowlab: Run) -> None:
    assert flowlab("--version").stdout.startswith("flowlab ")


def test_graph(flowlab: Run, experiment: Path) -> None:
    done = flowlab("graph", experiment)
    assert done.returncode == 0
    assert done.stdout.startswith(("flowchart", "graph"))


def test_list_components(flowlab: Run) -> None:
    done = flowlab("list-components", "--kind", "dataset")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("dataset: ")
    line = next(line for line in done.stdout.splitlines() if "made-source" in line)
    assert "Made-up points." in line
    assert "made-up 1.5" in line
    assert "closed-form" not in done.stdout


def test_list_components_as_json(flowlab: Run) -> None:
    rows = json.loads(flowlab("list-components", "--json").stdout)
    made = next(row for row in rows if row["name"] == "made-source")
    assert {key: made[key] for key in ("kind", "use", "summary", "distribution", "version", "api", "target")} == {
        "kind": "dataset", "use": "made-source", "summary": "Made-up points.", "distribution": "made-up",
        "version": "1.5", "api": [], "target": "made_up:Source",
    }  # fmt: skip
    assert (made["editable"], made["unusable"], Path(made["file"]).name, made["line"]) == (
        False, "", "made_up.py", 15,
    )  # fmt: skip
    assert {"dataset", "figure", "denoiser"} <= {row["kind"] for row in rows}


def test_list_components_of_no_kind(flowlab: Run) -> None:
    done = flowlab("list-components", "--kind", "datasett")
    assert done.returncode == 2
    assert "'dataset'" in done.stderr


@pytest.mark.parametrize("name", ["made-source", "dataset:made-source", "made-up:made-source"])
def test_describe(flowlab: Run, name: str) -> None:
    done = flowlab("describe", name)
    assert done.returncode == 0, done.stderr
    assert "More about them." in done.stdout
    line = next(line for line in done.stdout.splitlines() if line.startswith("  points"))
    assert line.split() == ["points", "an", "integer", "=", "3", ">=", "1", "how", "many", "[points]"]
    assert "made_up.py:" in done.stdout.splitlines()[-1]


def test_schema(flowlab: Run, tmp_path: Path) -> None:
    done = flowlab("schema")
    assert (done.returncode, done.stderr) == (0, "")
    assert flowlab("schema", "--out", "s.json").returncode == 0
    assert (tmp_path / "s.json").read_text() == done.stdout
    made = json.loads(done.stdout)["$defs"]["dataset.made-source"]["properties"]["points"]
    assert made == {"description": "how many [points]", "type": "integer", "minimum": 1, "default": 3}
    assert flowlab("schema", "--out", "no/where").returncode == 0
    assert flowlab("schema", "--out", ".").returncode == 4


def test_describe_nothing(flowlab: Run) -> None:
    done = flowlab("describe", "made-sauce")
    assert done.returncode == 2
    assert "'made-source'" in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_an_answer_that_cannot_be_printed(environment: Mapping[str, str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "flowlab", "list-components"],
            env=environment, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False,
        )  # fmt: skip
    assert (done.returncode, len(done.stderr.splitlines())) == (4, 1)


def test_a_reader_that_leaves_early(environment: Mapping[str, str]) -> None:
    command = [sys.executable, "-m", "flowlab", "list-components"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0
