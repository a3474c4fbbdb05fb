"""The experiments that come with flowlab: all are valid, and the small version in a header runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import tomli_w

from flowlab.graph.graph import connected, load
from flowlab.registry.registry import Registry
from flowlab.report.conduct import conduct, prepare
from flowlab.spec.document import parse

ROOT = Path(__file__).parents[1]
FILES = sorted((ROOT / "experiments").glob("*.toml"))


def small(file: Path) -> list[str]:
    """The settings that the header gives to run the experiment in seconds; none where it gives none."""
    header = file.read_text().partition("\n[")[0]
    return re.findall(r"--set (\S+)", header.partition("In seconds:")[2])


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_an_experiment_is_valid_and_so_is_its_small_version(file: Path) -> None:
    registry = Registry.installed()
    assert load(file, (), registry).name == file.stem
    load(file, small(file), registry)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_an_experiment_as_resolved_is_the_same_experiment(file: Path) -> None:
    graph = load(file, (), Registry.installed())
    again = connected(parse("lock.toml", tomli_w.dumps(graph.resolved).encode()), Registry.installed())
    assert again.resolved == graph.resolved
    assert [node.component for node in again.nodes] == [node.component for node in graph.nodes]


@pytest.mark.slow
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_small_version_runs_to_its_end(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    (plan,) = prepare([file], tmp_path / file.stem, small(file), "cpu")
    report = conduct(plan, "cpu", quiet=True)
    # short is allowed: too small to reach what the full size does
    assert {
        record.node.id: record.message
        for record in report.outcome.records
        if not record.finished and record.node.kind.built
    } == {}
    assert len(list((tmp_path / file.stem / "figures").glob("*.png"))) == len(report.outcome.of("figure"))
