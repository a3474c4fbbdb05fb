"""Runs that find the results of former ones, whole, damaged or none: in files, through the engine."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flowlab.engine.outcome import Outcome
from flowlab.engine.progress import Quiet
from flowlab.engine.run import run
from flowlab.engine.store import FOLDER, Store
from flowlab.graph.graph import load
from flowlab.registry.registry import Registry

EXPERIMENT = """
[experiment]
name = "kept"

[dataset.box]
use = "orthogonal"
dimension = 2
points = 3
samples = 10

[schedule.levels]
use = "noise-levels"
levels = [0.08, 0.05]

[schedule.noisy]
use = "noise-levels"
levels = [0.2]

[optimizer.al]
use = "augmented-lagrangian"
steps = 30

[optimizer.wd]
use = "weight-decay"
steps = 20

[optimizer.slabs]
use = "max-margin"

[denoiser.al]
use = "shallow-relu"
dataset = "box"
schedule = "levels"
optimizer = "al"
width = 12

[denoiser.wd]
use = "shallow-relu"
dataset = "box"
schedule = "noisy"
optimizer = "wd"
width = 12

[denoiser.slabs]
use = "shallow-relu"
dataset = "box"
schedule = "levels"
optimizer = "slabs"

[denoiser.theory]
use = "closed-form"
dataset = "box"
schedule = "levels"

[denoiser.both]
use = "spliced"
low = "al"
high = "wd"

[integrator.ddim]
use = "ddim"

[flow.pf]
use = "probability"
denoiser = "al"
integrator = "ddim"
samples = 20
"""
STORED = ("denoiser.al", "denoiser.slabs", "denoiser.wd", "flow.pf")


class Ears(Quiet):
    """Hears warnings."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warned(self, message: str) -> None:
        self.warnings.append(message)


def ran(folder: Path | None, ears: Ears | None = None, *overrides: str, worth: float = 0.0) -> Outcome:
    """The outcome of the experiment with everything worth keeping."""
    file = (folder or Path(".")).parent / "kept.toml"
    file.write_text(EXPERIMENT)
    graph = load(file, overrides, Registry.installed())
    return run(graph, "cpu", ears or Ears(), store=folder and Store(folder, worth))


def reused(outcome: Outcome) -> tuple[str, ...]:
    return tuple(sorted(record.node.id for record in outcome.records if record.reused))


def figures(outcome: Outcome) -> dict[str, Any]:
    """All that may reach a file or another node, to the last digit."""
    found: dict[str, Any] = {}
    for record in outcome.records:
        result = record.result
        assert result is not None or not record.node.kind.built
        if result is not None:
            tables = {name: repr(table.columns) for name, table in result.tables.items()}
            found[record.node.id] = [record.status, repr(result.metrics), tables, result.shortfall]
    states = outcome.of("flow")[0].value.states
    return {**found, "states": states.numpy().tobytes()}


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A store of one run's results."""
    folder = tmp_path / "store"
    assert reused(ran(folder)) == ()
    return folder


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return figures(ran(tmp_path_factory.mktemp("clean") / "store"))


def of(folder: Path, node: str) -> Path:
    """The file of a node's result."""
    kind, name = node.split(".")
    found = [
        path
        for path, made in Store(folder).ingredients()
        if (made["node"]["kind"], made["node"]["name"]) == (kind, name)
    ]
    assert len(found) == 1
    return found[0]


def test_a_second_run_reuses_to_the_same_bits(kept: Path, clean: dict[str, Any]) -> None:
    ears = Ears()
    second = ran(kept, ears)
    assert set(STORED) <= set(reused(second))
    assert not {"denoiser.theory", "denoiser.both", "dataset.box"} & set(reused(second))
    assert figures(second) == clean
    assert ears.warnings == []
    assert {path.suffix for path in kept.glob("*.*")} == {".safetensors"}  # no locks, nothing half-written


def test_the_values_of_a_second_run_have_the_same_layout(kept: Path) -> None:
    first, second = (ran(folder).of("denoiser") for folder in (kept.parent / "other", kept))
    for one, two in zip(first, second, strict=True):
        if one.node.name == "al":
            for name in ("outer", "inner", "biases", "skip", "offset"):
                parts = [getattr(record.value.network, name) for record in (one, two)]
                assert torch.equal(*parts)
                assert parts[0].stride() == parts[1].stride()


def test_what_is_quickly_computed_is_not_kept_unless_trained(tmp_path: Path) -> None:
    ran(tmp_path / "store", worth=1e6)
    assert set(reused(ran(tmp_path / "store"))) == set(STORED) - {"flow.pf"}


@pytest.mark.parametrize(
    ("change", "stay"),
    [
        ("optimizer.al.learning_rate=0.005", {"denoiser.wd", "denoiser.slabs"}),
        ("denoiser.wd.width=13", {"denoiser.al", "denoiser.slabs", "flow.pf"}),
        ("flow.pf.samples=21", {"denoiser.al", "denoiser.wd", "denoiser.slabs"}),
        ("dataset.box.samples=11", set()),
        ("experiment.seed=1", set()),
        ("experiment.name=another", set(STORED)),
    ],
)
def test_what_a_change_touches_is_computed(kept: Path, change: str, stay: set[str]) -> None:
    assert set(reused(ran(kept, None, change))) == stay


@pytest.mark.parametrize("harm", ["flip", "truncate", "empty", "pickle", "another's"])
def test_a_damaged_file_is_set_aside_and_computed_again(kept: Path, clean: dict[str, Any], harm: str) -> None:
    file = of(kept, "denoiser.al")
    content = bytearray(file.read_bytes())
    if harm == "flip":
        content[-100] ^= 1
    elif harm == "pickle":
        torch.save({"0": torch.tensor(1)}, file)
        content = bytearray(file.read_bytes())
    elif harm == "another's":
        content = bytearray(of(kept, "denoiser.wd").read_bytes())
    file.write_bytes(content[: {"truncate": len(content) // 2, "empty": 0}.get(harm, len(content))])
    ears = Ears()
    second = ran(kept, ears)
    assert "denoiser.al" not in reused(second)
    assert figures(second) == clean
    assert len(ears.warnings) == 1
    assert "denoiser.al is computed again" in ears.warnings[0]
    assert [path.name for path in (kept / "quarantine").iterdir()] == [file.name]
    assert set(STORED) <= set(reused(ran(kept)))


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_flipped_bit_reaches_a_figure(kept: Path, clean: dict[str, Any], data: st.DataObject) -> None:
    file = next(kept.glob("*.safetensors"))
    content = bytearray(file.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    file.write_bytes(content)
    assert figures(ran(kept)) == clean


def test_no_seal_helps_a_result_that_its_node_cannot_read(kept: Path, clean: dict[str, Any]) -> None:
    from flowlab.engine.sealed_file import Content, read, write

    file = of(kept, "denoiser.al")
    labels = read(file, file.stem).labels
    write(file, file.stem, Content(labels, {}))
    ears = Ears()
    assert figures(ran(kept, ears)) == clean
    assert "denoiser.al is computed again" in ears.warnings[0]


def test_a_file_in_the_way_is_told_before_any_training(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("a file is in the way")
    outcome = ran(tmp_path / "store")
    assert re.search(r"store: can't be written: .*; denoiser\.\w+ is not trained", outcome.lost)
    assert outcome.exit_code == 4
    assert "done" not in {record.status for record in outcome.of("denoiser") if record.node.name != "theory"}


def test_a_node_without_a_key_is_computed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> str:
        raise TypeError("keys of several types")

    monkeypatch.setattr("flowlab.engine.key.Keys.ingredients", fail)
    ears = Ears()
    outcome = ran(tmp_path / "store", ears)
    assert {record.status for record in outcome.records} <= {"done", "short"}
    assert "denoiser.al has no key: TypeError: keys of several types; it is computed" in "".join(ears.warnings)


def test_without_a_store_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "kept.toml"
    file.write_text(EXPERIMENT)
    run(load(file, (), Registry.installed()), "cpu", Quiet())
    assert list(tmp_path.iterdir()) == [file]


def test_a_use_is_noted(kept: Path) -> None:
    file = of(kept, "denoiser.al")
    os.utime(file, (0, 0))
    ran(kept)
    assert time.time() - file.stat().st_mtime < 60


def test_the_environment_names_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(FOLDER, raising=False)
    assert Store.beside(tmp_path).folder == tmp_path / ".store"
    monkeypatch.setenv(FOLDER, "/elsewhere")
    assert Store.beside(tmp_path).folder == Path("/elsewhere")
