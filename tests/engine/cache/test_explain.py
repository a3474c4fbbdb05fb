"""Why a node would be computed, down to inputs that were never stored; and the notes that tell it, collected."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from kept_runs import EXPERIMENT, ran

from flowlab.engine.cache.explain import explain_node
from flowlab.engine.cache.gc import collect
from flowlab.engine.cache.store import Store
from flowlab.engine.progress.quiet import QuietListener
from flowlab.engine.run import run_graph
from flowlab.graph.graph import Graph, load_graph
from flowlab.registry.registry import Registry


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of one run's results."""
    folder = tmp_path_factory.mktemp("explained") / "store"
    ran(folder, worth=1e6)
    return folder


def explained(folder: Path, node: str, *overrides: str) -> list[str]:
    file = folder.parent / "kept.toml"
    file.write_text(EXPERIMENT)
    graph = load_graph(file, overrides, Registry.installed())
    return explain_node(graph, node, "cpu", Store(folder)).splitlines()


SINCE = "  since the nearest stored result:"


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (("optimizer.al.learning_rate=0.005",), ["    optimizer.al.learning_rate: 0.01 -> 0.005"]),
        (("dataset.box.samples=11",), ["    dataset.box.samples: 10 -> 11"]),
        (("schedule.levels.levels=[0.1]",), ["    schedule.levels.levels: [0.08, 0.05] -> [0.1]"]),
        (("experiment.seed=1",), ["    seed: 0 -> 1"]),
        (
            ("denoiser.al.width=13", "experiment.dtype=float32"),
            ['    dtype: "float64" -> "float32"', "    denoiser.al.width: 12 -> 13"],
        ),
    ],
)
def test_a_change_is_told_wherever_it_is(folder: Path, overrides: Sequence[str], said: list[str]) -> None:
    [first, *lines] = explained(folder, "denoiser.al", *overrides)
    assert first == "denoiser.al: would be computed"
    assert lines[0] == SINCE
    assert lines[1:] == said


def test_a_renamed_input_hides_no_change(tmp_path: Path) -> None:
    changed = EXPERIMENT.replace("samples = 10", "samples = 11").replace("width = 12", "width = 13")
    changed = changed.replace("steps = 30", "steps = 31").replace("levels = [0.08, 0.05]", "levels = [0.1]")
    renamed = changed.replace("[dataset.box]", "[dataset.new]").replace('dataset = "box"', 'dataset = "new"')
    store = Store(tmp_path / "store", worth=1e6)

    def write(text: str) -> Graph:
        (tmp_path / "kept.toml").write_text(text)
        return load_graph(tmp_path / "kept.toml", (), Registry.installed())

    for text in (EXPERIMENT, renamed):
        run_graph(write(text), "cpu", QuietListener(), store=store)
    graph = write(changed)
    # against the renamed dataset there is one change, but whether its samples are the same is not compared
    assert sorted(explain_node(graph, "denoiser.al", "cpu", store).splitlines()[2:]) == [
        "    dataset.box.samples: 10 -> 11",
        "    denoiser.al.width: 12 -> 13",
        "    optimizer.al.steps: 30 -> 31",
        "    schedule.levels.levels: [0.08, 0.05] -> [0.1]",
    ]


def test_what_a_change_does_not_touch_is_reused(folder: Path) -> None:
    assert explained(folder, "denoiser.wd", "optimizer.al.learning_rate=0.005")[0].startswith(
        "denoiser.wd: would be reused"
    )
    assert explained(folder, "optimizer.al") == ["optimizer.al: nothing to compute, it is handed on as it is"]


def test_a_source_file_that_changed_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from flowlab.engine.cache import content_digests
    from flowlab.engine.cache.module_source import ModuleSource, read_module

    def edited(path: Path) -> ModuleSource:
        source = read_module(path)
        changed = path.name in ("max_margin.py", "class_bars.py")
        return ModuleSource("edited" if changed else source.digest, source.imports, source.opaque)

    monkeypatch.setattr(content_digests, "read_module", edited)
    assert sorted(explained(folder, "denoiser.slabs")[2:]) == [
        "    source file flowlab/components/optimizers/max_margin.py: changed",
        "    source file flowlab/theory/convex_programs/max_margin.py: changed",
    ]


def test_notes_stay_with_the_results_that_need_them(folder: Path) -> None:
    store = Store(folder)
    notes, sources = store.key_notes(), store.source_notes()
    kinds = {ingredients["kind"] for path in notes if (ingredients := store.ingredients(path.stem))}
    assert kinds == {"dataset", "schedule", "optimizer"}
    old = time.time() - 31 * 86_400
    for file in (*notes, *sources, *store.result_files()):
        os.utime(file, (old, old))
    results = {path.stem for path in store.result_files()}
    assert not collect(store, results, 30, delete=False).removed
    assert not collect(store, None, 30, delete=False).removed
    [bank] = [key for key in results if (store.ingredients(key) or {}).get("name") == "slabs"]
    removed = {file.path for file in collect(store, {bank}, 30, delete=True).removed}
    assert removed > {store.path(key) for key in results - {bank}}
    left = [store.ingredients(path.stem) or {} for path in store.key_notes()]
    assert sorted(one["kind"] for one in left) == ["dataset", "optimizer", "schedule"]
    for one in [*left, store.ingredients(bank) or {}]:
        assert store.modules(one["sources"])
    collect(store, set(), 30, delete=True)
    assert not [*store.result_files(), *store.key_notes(), *store.source_notes()]
