"""The experiments that come with flowlab: all are valid, and the small version in a header runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from flowlab.engine.outcome import Outcome, Record
from flowlab.graph.graph import load_graph
from flowlab.provenance.environment import Environment
from flowlab.provenance.lock_content import LockContent
from flowlab.provenance.lock_file import LockFile
from flowlab.registry.registry import Registry
from flowlab.runner.run_experiment import plan_runs, run_experiment

ROOT = Path(__file__).parents[1]
FILES = sorted((ROOT / "experiments").glob("*.toml"))
LOCKS = sorted((ROOT / "experiments/locks").glob("*.toml"))


def small(file: Path) -> list[str]:
    """The settings that the header gives to run the experiment in seconds; none where it gives none."""
    header = file.read_text().partition("\n[")[0]
    return re.findall(r"--set (\S+)", header.partition("In seconds:")[2])


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_an_experiment_is_valid_and_so_is_its_small_version(file: Path) -> None:
    registry = Registry.installed()
    assert load_graph(file, (), registry).name == file.stem
    load_graph(file, small(file), registry)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_what_a_lock_holds_of_an_experiment_is_the_same_experiment(file: Path, tmp_path: Path) -> None:
    registry = Registry.installed()
    graph = load_graph(file, small(file), registry)
    outcome = Outcome(tuple(Record(node, "skipped") for node in graph.nodes), 0.0)
    (tmp_path / "lock.toml").write_bytes(
        LockContent.of(graph, outcome, Environment.now(graph, "cpu"), {}).to_toml()
    )
    again = LockFile.read(tmp_path).graph(registry)
    assert again.resolved == graph.resolved
    assert {node.id: node.component for node in again.nodes} == {node.id: node.component for node in graph.nodes}


@pytest.mark.parametrize("file", LOCKS, ids=lambda file: file.stem)
def test_a_recorded_lock_can_be_run_again(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert LockFile.read(file).graph(Registry.installed()).name == file.stem


@pytest.mark.slow
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_small_version_runs_to_its_end(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    (plan,) = plan_runs([file], tmp_path / file.stem, small(file), "cpu")
    report = run_experiment(plan, "cpu", quiet=True)
    # short is allowed: too small to reach what the full size does
    assert {
        record.node.id: record.message
        for record in report.outcome.records
        if not record.finished and record.node.kind.built
    } == {}
    assert len(list((tmp_path / file.stem / "figures").glob("*.png"))) == len(report.outcome.of("figure"))
