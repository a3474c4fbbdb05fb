"""Paths start where the experiment's file is, and a run can be used from any folder, moved or without its data."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
import torch
from attrs import evolve
from typer.testing import CliRunner

from flowlab import Experiment
from flowlab.api import ExperimentError, FigureLook, NodeError
from flowlab.cli.app import app
from flowlab.components.datasets.points_file import PointsFile
from flowlab.components.schedules.noise_levels import NoiseLevels
from flowlab.engine.workers.messages import RunSpec
from flowlab.engine.workers.worker import _open_session
from flowlab.graph.graph import Graph, load_graph
from flowlab.provenance.lock_file import LockFile
from flowlab.registry.registry import Registry
from flowlab.results.open_run import open_run
from flowlab.runner.redraw_figure import redraw_figure
from flowlab.runner.verify import verify_run

TEXT = """
[experiment]
name = "own"
[dataset.points]
use = "points-file"
path = "data/points.csv"
samples = 5
[schedule.low]
use = "noise-levels"
levels = [0.05, 0.02]
[denoiser.mmse]
use = "empirical-mmse"
dataset = "points"
schedule = "low"
[flow.pf]
use = "probability"
denoiser = "mmse"
samples = 20
[classifier.ends]
use = "stable-points"
flow = ["pf"]
[figure.bars]
use = "class-bars"
classifier = "ends"
"""
POINTS, OTHERS = "0,0\n1,0\n0,1\n", "0,0\n3,0\n0,3\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with an experiment, its data, and a folder elsewhere."""
    project = tmp_path / "project"
    (project / "data").mkdir(parents=True)
    (project / "own.toml").write_text(TEXT)
    (project / "data/points.csv").write_text(POINTS)
    (tmp_path / "elsewhere").mkdir()
    return project


@pytest.fixture
def run(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A finished run of the experiment; the current folder is elsewhere from then on."""
    monkeypatch.chdir(project.parent)
    call("run", "project/own.toml", "--out", "project/runs/own", "--quiet")
    monkeypatch.chdir(project.parent / "elsewhere")
    return project / "runs/own"


def call(*arguments: str, code: int = 0) -> None:
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == code, result.output


def load(path: Path, *settings: str) -> Graph:
    return load_graph(path, settings, Registry.installed())


def path_of(graph: Graph) -> Path:
    return Path(next(node.component.path for node in graph.nodes if node.name == "points")).resolve()


@pytest.mark.parametrize("start", [".", "..", "data", "../elsewhere"])
def test_a_path_starts_in_the_folder_of_its_file(
    project: Path, monkeypatch: pytest.MonkeyPatch, start: str
) -> None:
    monkeypatch.chdir(project / start)
    for file in (project / "own.toml", Path(os.path.relpath(project / "own.toml"))):
        graph = load(file)
        assert path_of(graph) == project / "data/points.csv"
        assert graph.resolved["dataset"]["points"]["path"] == "data/points.csv"


def test_a_path_of_the_command_line_starts_in_the_current_folder(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = project.parent / "elsewhere"
    (elsewhere / "mine.csv").write_text(OTHERS)
    monkeypatch.chdir(elsewhere)
    graph = load(project / "own.toml", "dataset.points.path=mine.csv")
    assert path_of(graph) == elsewhere / "mine.csv"
    assert graph.resolved["dataset"]["points"]["path"] == "../elsewhere/mine.csv"
    absolute = str(elsewhere / "mine.csv")
    graph = load(project / "own.toml", f"dataset.points.path={absolute}")
    assert graph.resolved["dataset"]["points"]["path"] == absolute


def test_a_swept_path_starts_in_the_folder_of_its_file(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "data/more.csv").write_text(OTHERS)
    text = TEXT + '[sweep.file]\n"dataset.points.path" = ["data/points.csv", "data/more.csv"]\n'
    (project / "own.toml").write_text(text)
    monkeypatch.chdir(project.parent / "elsewhere")
    graph = load(project / "own.toml", "dataset.points.path=never.csv")
    paths = [Path(node.component.path).resolve() for node in graph.nodes if node.name == "points"]
    assert paths == [project / "data/points.csv", project / "data/more.csv"]
    experiment = Experiment.from_toml(project / "own.toml")
    assert {Path(node.component.path) for node in experiment.graph.nodes if node.name == "points"} == set(paths)


def test_a_path_in_python_starts_in_the_current_folder(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    nodes = {"dataset.points": PointsFile("data/points.csv"), "schedule.low": NoiseLevels((0.1,))}
    experiment = Experiment("own", nodes)
    assert path_of(experiment.graph) == project / "data/points.csv"
    assert Experiment.from_toml(experiment.to_toml()) == experiment
    monkeypatch.chdir(project.parent)
    assert path_of(Experiment.from_toml(Path("project/own.toml")).graph) == project / "data/points.csv"


def test_a_missing_file_is_reported_where_it_was_looked_for(project: Path) -> None:
    (project / "data/points.csv").unlink()
    with pytest.raises(ExperimentError, match=f"there is no file '{project}/data/points.csv'"):
        load(project / "own.toml")


def test_a_worker_in_another_folder_finds_the_files(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project.parent)
    graph = load(Path("project/own.toml"))
    spec = RunSpec.of(graph, "cpu", project / "store", None)
    monkeypatch.chdir(project.parent / "elsewhere")
    session = _open_session(spec)
    assert Path(session.nodes["dataset.points"].component.path) == project / "data/points.csv"


def test_a_lock_holds_paths_as_written_and_digests_of_the_data(run: Path) -> None:
    content = LockFile.read(run).content
    assert content.experiment["dataset"]["points"]["path"] == "data/points.csv"
    assert list(content.reads) == ["data/points.csv"]
    assert content.run.folders == ("../..", str(run.parents[1]))


def test_a_run_is_used_from_any_folder(run: Path) -> None:
    call("verify", str(run), "--exact", "--quiet")
    call("rerun", str(run), "--quiet", "--out", "again")
    call("verify", "again", "--exact", "--quiet")
    call("figure", str(run), "bars", "--format", "svg", "--out", "bars.svg")


def test_a_moved_run_finds_the_data_where_they_were(run: Path) -> None:
    moved = shutil.move(run, "moved")
    assert verify_run(Path(moved), exact=True, quiet=True).exit_code == 0


def test_a_moved_project_finds_its_own_data(run: Path) -> None:
    project = run.parents[1]
    shutil.move(project, "copy")
    project.mkdir()
    (project / "data").mkdir()
    (project / "data/points.csv").write_text(OTHERS)  # another's
    assert verify_run(Path("copy/runs/own"), exact=True, quiet=True).exit_code == 0


def test_a_figure_needs_no_data(run: Path) -> None:
    shutil.rmtree(run.parents[1] / "data")
    redraw_figure(run, "bars", "svg", FigureLook(), Path("without.svg"), recompute=False)
    assert Path("without.svg").stat().st_size > 0
    assert Path("without.svg").read_bytes() == (run / "figures/bars.svg").read_bytes()


def test_values_of_an_opened_run_need_no_data(run: Path) -> None:
    before = open_run(run)["flow.pf"].value.states
    data = run.parents[1] / "data"
    shutil.move(data, "away")
    opened = open_run(run)
    assert torch.equal(opened["flow.pf"].value.states, before)
    assert opened["figure.bars"].value.axes  # a figure is always drawn again, here of stored inputs
    assert opened["dataset.points"].value.geometry.points.tolist() == [[0, 0], [1, 0], [0, 1]]
    assert opened["schedule.low"].value.levels == (0.05, 0.02)


def test_a_value_is_not_built_of_other_data_than_the_run_read(run: Path) -> None:
    (run.parents[1] / "data/points.csv").write_text(OTHERS)
    shutil.rmtree(run.parent / ".store")
    with pytest.raises(NodeError, match=r"points\.csv' has another content than when the run began"):
        _ = open_run(run)["dataset.points"].value


def test_a_figure_is_that_of_the_data_of_its_run(run: Path) -> None:
    data = run.parents[1] / "data/points.csv"
    data.write_text(OTHERS)
    redraw_figure(run, "bars", "svg", FigureLook(), Path("old.svg"), recompute=False)
    assert Path("old.svg").read_bytes() == (run / "figures/bars.svg").read_bytes()
    shutil.rmtree(run.parent / ".store")
    with pytest.raises(NodeError, match=r"points\.csv' has another content than when the run began"):
        redraw_figure(run, "bars", "svg", FigureLook(), Path("new.svg"), recompute=True)


def test_what_was_found_while_a_file_changed_is_not_kept(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build = PointsFile.build

    def edit_and_build(self: PointsFile, context: object) -> object:
        Path(self.path).write_text(OTHERS)
        return build(self, context)  # type: ignore[arg-type]

    monkeypatch.setattr(PointsFile, "build", edit_and_build)
    monkeypatch.chdir(project)
    call("run", "own.toml", "--quiet", code=1)
    assert not list(Path("runs/.store").glob("*.safetensors"))


def test_a_lock_that_names_no_folder_has_paths_from_the_current_folder(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked = LockFile.read(run)
    early = evolve(locked, content=evolve(locked.content, run=evolve(locked.content.run, folders=())))
    monkeypatch.chdir(run.parents[1])
    assert path_of(early.graph(Registry.installed())) == run.parents[1] / "data/points.csv"
