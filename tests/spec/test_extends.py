"""A file that changes another's tables: what comes of the two, and every mistake in the file that makes it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from flowlab import Experiment
from flowlab.api import ExperimentError
from flowlab.graph.graph import Graph, load_graph
from flowlab.registry.registry import Registry
from flowlab.spec.document import parse_document
from flowlab.spec.extends import merge_documents, read_experiment

BASE = """[experiment]
name = "base"
seed = 4

[dataset.points]
use = "orthogonal"
dimension = 4
points = 3

[schedule.low]
use = "noise-levels"
levels = [0.1]

[denoiser.theory]
use = "closed-form"
dataset = "points"
schedule = "low"

[executor.here]
use = "local"
workers = 2

[sweep.points]
"dataset.points.points" = [3, 4]
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("base.toml").write_text(BASE)


def read(name: str, text: str) -> dict[str, Any]:
    Path(name).write_text(text)
    return read_experiment(Path(name)).data


def load(name: str, text: str) -> Graph:
    Path(name).write_text(text)
    return load_graph(Path(name), (), Registry.installed())


def mistakes(name: str, text: str) -> list[str]:
    with pytest.raises(ExperimentError) as caught:
        load(name, text)
    return [str(problem) for problem in caught.value.problems]


OWN = '[experiment]\nextends = "base.toml"\nname = "own"\n'


def test_keys_and_tables_take_the_place_of_the_base_s() -> None:
    base = read_experiment(Path("base.toml")).data
    own = read(
        "own.toml", OWN + '[dataset.points]\nsamples = 7\npoints = 2\n[schedule.more]\nuse = "noise-levels"\n'
    )
    assert own["experiment"] == {"name": "own", "seed": 4}
    assert own["dataset"]["points"] == {**base["dataset"]["points"], "samples": 7, "points": 2}
    assert own["schedule"] == {**base["schedule"], "more": {"use": "noise-levels"}}
    assert own["denoiser"] == base["denoiser"]


def test_another_component_a_sweep_and_an_executor_take_the_whole_place() -> None:
    own = read(
        "own.toml",
        OWN + '[dataset.points]\nuse = "line"\ncoordinates = [0.0, 1.0]\n'
        '[sweep.points]\n"dataset.points.samples" = [2]\n'
        '[executor.there]\nuse = "dask"\n',
    )
    assert own["dataset"]["points"] == {"use": "line", "coordinates": [0.0, 1.0]}
    assert own["sweep"] == {"points": {"dataset.points.samples": [2]}}
    assert own["executor"] == {"there": {"use": "dask"}}
    changed = read("other.toml", OWN + "[executor.here]\nworkers = 1\n")
    assert changed["executor"] == {"here": {"use": "local", "workers": 1}}


def test_a_chain_through_folders_is_relative_to_each_file(tmp_path: Path) -> None:
    for folder in ("a", "a/b"):
        Path(folder).mkdir()
    Path("a/middle.toml").write_text('[experiment]\nextends = "../base.toml"\nname = "middle"\nseed = 5\n')
    text = '[experiment]\nextends = "../middle.toml"\nname = "last"\n[dataset.points]\nsamples = 9\n'
    graph = load("a/b/last.toml", text)
    assert (graph.name, graph.seed) == ("last", 5)
    assert graph.resolved["dataset"]["points"]["samples"] == 9
    assert "extends" not in tomli_w.dumps(graph.resolved)
    again = Experiment.from_toml(tomli_w.dumps(graph.resolved)).graph
    assert [node.id for node in again.nodes] == [node.id for node in graph.nodes]
    os.chdir("a/b")
    assert read_experiment(Path("last.toml")).data == read_experiment(tmp_path / "a/b/last.toml").data
    for part in (BASE, 'name = "middle"', "samples = 9"):  # the page shows all that was written
        assert part in graph.text


def test_each_mistake_stands_in_the_file_that_makes_it() -> None:
    Path("base.toml").write_text(BASE.replace("dimension = 4", "dimension = -4").replace("[0.1]", "[-0.1]"))
    text = OWN + '[schedule.low]\nlevels = [0.5, "x"]\n[denoiser.theory]\ndataset = "point"\nwidth = 3\n'
    assert [found.split(": ")[0] for found in mistakes("own.toml", text)] == [
        "own.toml:5:10",
        "own.toml:7:11",
        "own.toml:8:1",
        "base.toml:7:13",
    ]
    assert mistakes("own.toml", OWN + "[dataset.points]\ndimension = 5\n")[0].startswith("base.toml:12:10: ")
    Path("base.toml").write_text("[experiment\n")
    assert mistakes("own.toml", OWN)[0].startswith("base.toml:1:12: not valid TOML")


@pytest.mark.parametrize(
    ("own", "place", "words"),
    [
        ('extends = "no.toml"\nname = "x"\n', "own.toml:2:11", "there is no such file"),
        ('extends = "."\nname = "x"\n', "own.toml:2:11", "directory"),
        ('extends = "a\\u0000b"\nname = "x"\n', "own.toml:2:11", "null byte"),
        ('extends = ""\nname = "x"\n', "own.toml:2:11", "must be the path of an experiment's file"),
        ('name = "x"\nextends = ["base.toml"]\n', "own.toml:3:11", "must be the path of an experiment's file"),
        ('extends = "base.toml"\n', "own.toml:1:1", "needs a name of its own"),
        ('extends = "own.toml"\nname = "x"\n', "own.toml:2:11", "a circle of files: own.toml -> own.toml"),
        ('extends = "./own.toml"\nname = "x"\n', "own.toml:2:11", "a circle of files"),
        (
            'extends = "other.toml"\nname = "x"\n',
            "other.toml:2:11",
            "circle of files: own.toml -> other.toml -> own.toml",
        ),
    ],
)
def test_a_base_that_can_t_be(own: str, place: str, words: str) -> None:
    Path("other.toml").write_text('[experiment]\nextends = "own.toml"\nname = "y"\n')
    (found,) = mistakes("own.toml", "[experiment]\n" + own)
    assert found.startswith(f"{place}: ")
    assert words in found


def test_a_text_in_no_folder_extends_nothing() -> None:
    with pytest.raises(ExperimentError, match="<text>:2:1: only a file can extend another"):
        Experiment.from_toml(OWN)
    assert Experiment.from_toml(_written("own.toml", OWN)).name == "own"


def _written(name: str, text: str) -> Path:
    Path(name).write_text(text)
    return Path(name)


KEYS = st.dictionaries(st.sampled_from("abc"), st.integers(0, 3), max_size=3)
TABLES = st.dictionaries(st.sampled_from(["x", "y"]), KEYS.flatmap(lambda keys: _with_use(keys)), max_size=2)
DATA = st.dictionaries(st.sampled_from(["dataset", "flow", "sweep"]), TABLES, max_size=3)


def _with_use(keys: dict[str, int]) -> st.SearchStrategy[dict[str, Any]]:
    return st.sampled_from([keys, {"use": "p", **keys}, {"use": "q", **keys}])


@given(DATA, DATA)
def test_every_key_and_place_is_of_one_of_the_two(base: dict[str, Any], own: dict[str, Any]) -> None:
    files = [parse_document(name, tomli_w.dumps(data).encode()) for name, data in (("base", base), ("own", own))]
    merged = merge_documents(*(_with_experiment(file) for file in files))
    for kind, tables in merged.data.items():
        for name, table in tables.items() if kind != "experiment" else ():
            ours, theirs = own.get(kind, {}).get(name), base.get(kind, {}).get(name)
            for key, value in table.items():
                owner = "own" if ours is not None and key in ours else "base"
                assert value == (ours if owner == "own" else theirs)[key]
                assert merged.where(kind, name, key).startswith(f"{owner}:")
                line = int(merged.where(kind, name, key).split(":")[1])
                assert files[owner == "own"].text.split("\n")[line - 1].startswith(key)
            if ours is not None and theirs is not None and ours.get("use", theirs.get("use")) != theirs.get("use"):
                assert table == ours
    assert {(k, n) for k, t in merged.data.items() if k != "experiment" for n in t} == {
        (k, n) for data in (base, own) for k, t in data.items() for n in t
    }


def _with_experiment(document: Any) -> Any:
    document.data["experiment"] = {}
    return document


def test_paths_of_a_base_start_in_its_folder(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    (tmp_path / "own").mkdir()
    for name in ("a.csv", "b.csv"):
        (tmp_path / "shared" / name).write_text("0,0\n1,0\n")
    (tmp_path / "own" / "c.csv").write_text("0,0\n2,0\n")
    points = '[dataset.{}]\nuse = "points-file"\npath = "{}"\n'
    (tmp_path / "shared" / "base.toml").write_text(
        '[experiment]\nname = "base"\n'
        + points.format("kept", "a.csv") + points.format("changed", "a.csv") + points.format("swept", "a.csv")
        + '[sweep.files]\n"dataset.swept.path" = ["a.csv", "b.csv"]\n'
    )  # fmt: skip
    file = tmp_path / "own" / "mine.toml"
    file.write_text(
        '[experiment]\nname = "mine"\nextends = "../shared/base.toml"\n[dataset.changed]\npath = "c.csv"\n'
    )
    graph = load_graph(file, (), Registry.installed())
    paths = {node.label: Path(node.component.path).resolve() for node in graph.nodes}
    assert paths == {
        "kept": tmp_path / "shared" / "a.csv",
        "changed": tmp_path / "own" / "c.csv",
        "swept[path=a.csv]": tmp_path / "shared" / "a.csv",
        "swept[path=b.csv]": tmp_path / "shared" / "b.csv",
    }
