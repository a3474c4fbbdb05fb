"""Runs that find the results of former ones, whole, damaged or none: in files, through the engine."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from kept_runs import EXPERIMENT, STORED, figures, of, ran, reused
from recording_listener import RecordingListener

from flowlab.engine.cache.store import STORE_VARIABLE, Store
from flowlab.engine.progress.quiet import QuietListener
from flowlab.engine.run import run_graph
from flowlab.graph.graph import load_graph
from flowlab.registry.registry import Registry


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A store of one run's results."""
    folder = tmp_path / "store"
    assert reused(ran(folder)) == ()
    return folder


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return figures(ran(tmp_path_factory.mktemp("clean") / "store"))


def test_a_second_run_reuses_to_the_same_bits(kept: Path, clean: dict[str, Any]) -> None:
    listener = RecordingListener()
    second = ran(kept, listener)
    assert set(STORED) <= set(reused(second))
    assert not {"denoiser.both", "dataset.box"} & set(reused(second))
    assert figures(second) == clean
    assert listener.warnings == []
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
    assert set(reused(ran(tmp_path / "store"))) == set(STORED) - {"denoiser.theory", "flow.pf"}


@pytest.mark.parametrize(
    ("change", "stay"),
    [
        ("optimizer.al.learning_rate=0.005", {"denoiser.wd", "denoiser.slabs", "denoiser.theory"}),
        ("denoiser.wd.width=13", {"denoiser.al", "denoiser.slabs", "denoiser.theory", "flow.pf"}),
        ("flow.pf.samples=21", set(STORED) - {"flow.pf"}),
        ("dataset.box.samples=11", set()),
        ("experiment.seed=1", set()),
        ("experiment.name=another", set(STORED)),
    ],
)
def test_what_a_change_touches_is_computed(kept: Path, change: str, stay: set[str]) -> None:
    assert set(reused(ran(kept, None, change))) == stay


def test_a_file_in_the_way_is_told_before_any_training(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("a file is in the way")
    outcome = ran(tmp_path / "store", worth=1e6)  # no other result is worth storing
    assert re.search(r"store: can't be written: .*; denoiser\.\w+ is not trained", outcome.lost)
    assert outcome.exit_code == 4
    assert "done" not in {record.status for record in outcome.of("denoiser") if record.node.name != "theory"}


def test_a_node_without_a_key_is_computed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> str:
        raise TypeError("keys of several types")

    monkeypatch.setattr("flowlab.engine.cache.key.CacheKeys.of", fail)
    listener = RecordingListener()
    outcome = ran(tmp_path / "store", listener)
    assert {record.status for record in outcome.records} <= {"done", "short"}
    assert "denoiser.al has no key: TypeError: keys of several types; it is computed" in "".join(listener.warnings)


def test_without_a_store_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "kept.toml"
    file.write_text(EXPERIMENT)
    run_graph(load_graph(file, (), Registry.installed()), "cpu", QuietListener())
    assert list(tmp_path.iterdir()) == [file]


def test_a_use_is_noted(kept: Path) -> None:
    file = of(kept, "denoiser.al")
    os.utime(file, (0, 0))
    ran(kept)
    assert time.time() - file.stat().st_mtime < 60


def test_the_environment_names_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(STORE_VARIABLE, raising=False)
    assert Store.beside(tmp_path).folder == tmp_path / ".store"
    monkeypatch.setenv(STORE_VARIABLE, "/elsewhere")
    assert Store.beside(tmp_path).folder == Path("/elsewhere")
