"""A finished run opened in Python: what it says, what it refuses, without computing anything."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

import flowlab
from flowlab import Experiment
from flowlab.api import CLASSES, ExperimentError, NodeError
from flowlab.api.helpers.plotting import note_text
from flowlab.engine.cache.store import STORE_VARIABLE
from flowlab.provenance.summary import RunSummary

TEXT = """
[experiment]
name = "opened"
seeds = 3

[dataset.box]
use = "orthogonal"
dimension = 3
points = 3
samples = 20

[schedule.levels]
use = "noise-levels"
levels = [0.08, 0.05]

[optimizer.al]
use = "augmented-lagrangian"
steps = 30

[denoiser.al]
use = "shallow-relu"
dataset = "box"
schedule = "levels"
optimizer = "al"
width = 12

[denoiser.theory]
use = "closed-form"
dataset = "box"
schedule = "levels"

[flow.pf]
use = "probability"
denoiser = "al"
samples = 20

[classifier.ends]
use = "stable-points"
flow = ["pf"]

[figure.bars]
use = "class-bars"
classifier = ["ends"]

[sweep.width]
"denoiser.al.width" = [8, 12]
"""
BANK = "denoiser.al[width=8,seed=1]"


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the runs, with one in it that the real command line made."""
    folder = tmp_path_factory.mktemp("opened")
    (folder / "opened.toml").write_text(TEXT)
    command = [sys.executable, "-m", "flowlab", "run", "opened.toml", "--quiet", "--device", "cpu"]
    subprocess.run(command, cwd=folder, check=True, timeout=200, stdout=subprocess.DEVNULL)
    return folder / "runs"


@pytest.fixture
def copy(runs: Path, tmp_path: Path) -> Path:
    """A copy of the run and its store, to be damaged."""
    shutil.copytree(runs, tmp_path / "runs")
    return tmp_path / "runs/opened"


@pytest.fixture(scope="module")
def opened(runs: Path) -> Any:
    return flowlab.open_run(runs / "opened")


def test_opened_and_finished_runs_say_the_same(opened: Any) -> None:
    finished = Experiment.from_toml(TEXT).run(device="cpu", quiet=True)
    assert type(finished) is type(opened)
    assert list(finished) == list(opened)
    assert finished.table_names == opened.table_names
    for name in opened.table_names:
        both = [
            results.frame(name).drop(columns=["seconds", "reused"], errors="ignore")
            for results in (finished, opened)
        ]
        pd.testing.assert_frame_equal(*both)
    for node in opened:
        assert finished[node].metrics == opened[node].metrics
        assert {name: table.columns for name, table in finished[node].tables.items()} == {
            name: table.columns for name, table in opened[node].tables.items()
        }
    states = [results["flow.pf[width=12,seed=2]"].value.states for results in (finished, opened)]
    assert torch.equal(*states)


def test_frames_have_the_swept_keys_and_the_seed(opened: Any, runs: Path) -> None:
    ends = opened.frame("classifier.ends.endpoints")
    assert list(ends.columns[:3]) == ["width", "seed", "flow"]
    assert ends.groupby(["width", "seed"]).size().to_dict() == {(w, s): 20 for w in (8, 12) for s in (0, 1, 2)}
    shares = opened.frame("ends")
    # an oracle of its own: the classes of the single endpoints, counted by pandas from the file itself
    raw = pd.read_csv(runs / "opened/tables/classifier.ends.endpoints.csv")
    counted = raw.groupby(["denoiser.al.width", "experiment.seed"])["class"].value_counts(normalize=True)
    for row in shares.to_dict("records"):
        for name in CLASSES:
            assert row[name] == pytest.approx(counted.get((row["width"], row["seed"], name), 0.0), abs=1e-12)
    bank = opened.frame("denoiser.al")
    assert list(bank.columns[:2]) == ["width", "seed"]
    assert len(bank) == 6
    nodes = opened.frame("nodes")
    assert nodes["width"].dtype == "Int64"
    assert set(nodes["status"]) <= {"done", "short"}
    assert len(nodes) == len(opened)


def test_frames_of_all_metrics(opened: Any) -> None:
    metrics = opened.frame("metrics")
    assert set(metrics.columns[:2]) == {"width", "seed"}
    assert metrics["value"].dtype == "float64"
    worst = metrics[(metrics["metric"] == "violation_max") & (metrics["width"] == 8)]
    for seed, values in worst.groupby("seed")["value"]:
        assert values.tolist() == opened[f"denoiser.al[width=8,seed={seed}]"].metrics["violation_max"]
    usable = metrics[metrics["metric"] == "usable"]
    assert set(usable["text"]) <= {True, False}
    assert usable["value"].isna().all()
    means = opened.frame("metrics-over-seeds")
    assert "seed" not in means
    [mean] = means[(means["metric"] == "violation_max") & (means["width"] == 8) & (means["item"] == 0)]["mean"]
    assert mean == pytest.approx(worst[worst["item"] == 0]["value"].mean(), rel=1e-12)


def test_values_come_from_the_store_and_nothing_is_trained(
    opened: Any, monkeypatch: pytest.MonkeyPatch, copy: Path
) -> None:
    from flowlab.components.denoisers.shallow_relu import ShallowRelu

    def fail(*_: Any, **__: Any) -> None:
        raise AssertionError("trained")

    monkeypatch.setattr(ShallowRelu, "build", fail)
    before = {path: path.stat().st_mtime_ns for path in copy.parent.rglob("*")}
    run = flowlab.open_run(copy)
    assert type(run[BANK].value).__name__ == "DenoiserBank"
    assert run["flow.pf[width=8,seed=1]"].value.states.shape[-2:] == (20, 3)
    assert run["schedule.levels"].value.levels == (0.08, 0.05)
    assert run["dataset.box[seed=1]"].value.geometry.points.shape == (3, 3)
    assert run.figures["figure.bars[width=8,seed=0]"].axes
    assert {path: path.stat().st_mtime_ns for path in copy.parent.rglob("*")} == before


def test_a_moved_run(copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    moved = tmp_path / "elsewhere"
    copy.rename(moved)
    run = flowlab.open_run(moved)
    assert len(run.frame("denoiser.al")) == 6
    with pytest.raises(ExperimentError, match=r"denoiser.al\[width=8,seed=1\] is not stored in .*FLOWLAB_STORE"):
        _ = run[BANK].value
    monkeypatch.setenv(STORE_VARIABLE, str(copy.parent / ".store"))
    assert flowlab.open_run(moved)[BANK].value is not None
    monkeypatch.delenv(STORE_VARIABLE)
    moved.rename(copy)
    monkeypatch.chdir(copy)
    assert flowlab.open_run(".")[BANK].value is not None


def test_a_figure_of_one_seed_says_so(opened: Any) -> None:
    for figure in opened.figures.values():
        assert note_text(figure) == "seed 0 alone, of 3 seeds"
    alone = Experiment.from_toml(TEXT.replace("seeds = 3", "seed = 2")).run(device="cpu", quiet=True)
    assert [note_text(figure) for figure in alone.figures.values()] == ["", ""]


def test_a_damaged_table_is_told_and_refused(copy: Path) -> None:
    table = copy / "tables/classifier.ends.endpoints.csv"
    table.write_text(table.read_text().replace("pf", "pg", 1))
    (copy / "figures").joinpath(next((copy / "figures").glob("*.png")).name).unlink()
    with pytest.warns(RuntimeWarning) as told:
        run = flowlab.open_run(copy)
    texts = [str(warning.message) for warning in told]
    assert any("classifier.ends.endpoints.csv: not as its run wrote it" in text for text in texts)
    assert any(".png: its run wrote this file, and it is gone" in text for text in texts)
    assert len(texts) == 2
    with pytest.raises(ExperimentError, match="not as its run wrote it"):
        run.frame("classifier.ends.endpoints")
    assert len(run.frame("ends")) == 6


@pytest.mark.parametrize("name", ["lock.toml", "summary.json"])
def test_a_damaged_lock_or_summary_is_refused(copy: Path, name: str) -> None:
    path = copy / name
    path.write_text(path.read_text().replace("opened", "closed", 1))
    with pytest.raises(ExperimentError, match=name):
        flowlab.open_run(copy)


def test_no_run() -> None:
    with pytest.raises(ExperimentError, match="expected the folder of a finished run"):
        flowlab.open_run("nowhere")


def stored(copy: Path, node: str) -> Path:
    import tomli

    key = tomli.loads((copy / "lock.toml").read_text())["nodes"][node]["key"]
    return copy.parent / f".store/{key}.safetensors"


def test_a_stored_value_of_another_key_is_refused(copy: Path) -> None:
    shutil.copy(stored(copy, "denoiser.al[width=8,seed=2]"), stored(copy, BANK))
    with pytest.raises(
        ExperimentError, match=r"refused as the value of denoiser.al\[width=8,seed=1\]: of other set"
    ):
        _ = flowlab.open_run(copy)[BANK].value


def test_a_stored_value_of_another_digest_is_refused(copy: Path) -> None:
    from flowlab.engine.cache.tensor_file import TensorFile, read_tensor_file, write_tensor_file

    path = stored(copy, BANK)
    content = read_tensor_file(path, path.stem)
    other = stored(copy, "denoiser.al[width=8,seed=2]")
    write_tensor_file(path, path.stem, read_tensor_file(other, other.stem))
    assert content.labels["digest"]
    assert isinstance(content, TensorFile)
    with pytest.raises(ExperimentError, match="another result than that of"):
        _ = flowlab.open_run(copy)[BANK].value


def test_a_stored_value_of_another_layout_is_refused(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from flowlab.engine.cache import tensor_file

    path = stored(copy, BANK)
    content = tensor_file.read_tensor_file(path, path.stem)
    with monkeypatch.context() as older:
        older.setattr(tensor_file, "SCHEMA", tensor_file.SCHEMA - 1)
        tensor_file.write_tensor_file(path, path.stem, content)
    with pytest.raises(ExperimentError, match="written by a version of flowlab with another store"):
        _ = flowlab.open_run(copy)[BANK].value


def test_a_flipped_bit_in_the_store_is_refused(copy: Path) -> None:
    path = stored(copy, BANK)
    with safe_open(path, "pt") as file:
        labels, tensors = file.metadata(), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    name = next(iter(tensors))
    tensors[name] = tensors[name] + 1
    save_file(tensors, path, labels)
    with pytest.raises(ExperimentError, match="does not match its sha256"):
        _ = flowlab.open_run(copy)[BANK].value


def test_a_value_built_again_must_have_the_digest_of_the_lock(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from flowlab.components.datasets.orthogonal import Orthogonal

    for path in (copy.parent / ".store").glob("*.safetensors"):
        path.unlink()
    assert flowlab.open_run(copy)["dataset.box[seed=1]"].value is not None
    build = Orthogonal.build

    def changed(self: Any, context: Any) -> Any:
        result = build(self, context)
        return type(result)(result.value, {**result.metrics, "points": 4})

    monkeypatch.setattr(Orthogonal, "build", changed)
    with pytest.raises(ExperimentError, match="another result than the run's"):
        _ = flowlab.open_run(copy)["dataset.box[seed=1]"].value


def test_typing_mistakes(opened: Any) -> None:
    for ask, message in [
        (lambda: opened["flow.pg"], "nodes: there is no 'flow.pg' (did you mean 'flow.pf'?)"),
        (lambda: opened["dataset.box"], "dataset.box has 3 settings: dataset.box[seed=0], dataset.box[seed=1]"),
        (lambda: opened.frame("end"), "tables: there is no 'end' (did you mean 'ends'?)"),
        (lambda: opened.select("flow.fp"), "nodes: there is no 'flow.fp' (did you mean 'flow.pf'?)"),
        (
            lambda: opened.select("flow.pf", sed=1),
            "swept keys of flow.pf: there is no 'sed' (did you mean 'seed'?)",
        ),
        (lambda: opened.figures["figure.bar"], "figures: there is no 'figure.bar' (did you mean"),
        (
            lambda: opened.latex("ends", columns=["trainin"]),
            "columns of ends: there is no 'trainin' (did you mean 'training'?)",
        ),
    ]:
        with pytest.raises(KeyError) as caught:
            ask()
        assert message in str(caught.value)
        assert isinstance(caught.value, ExperimentError)


def test_a_summary_from_before_nodes_had_names(tmp_path: Path) -> None:
    node = {"status": "done", "metrics": {}, "variant": {"dataset.a.points": 1}}
    content = json.dumps({"nodes": {"dataset": {"a[points=1]": node}}})
    [summary] = RunSummary.parse(tmp_path, content.encode()).of_kind("dataset").values()
    assert summary.name == "a"


def test_select(opened: Any) -> None:
    assert list(opened.select("flow.pf", width=8)) == [f"flow.pf[width=8,seed={seed}]" for seed in range(3)]
    assert list(opened.select("flow.pf", width=8, seed=2)) == ["flow.pf[width=8,seed=2]"]
    assert opened.select("flow.pf", width=9) == {}


def test_a_notebook_shows_the_files_of_the_run(opened: Any, runs: Path) -> None:
    [figure] = list(opened.figures)[:1]
    assert opened[figure].picture("pdf").startswith(b"%PDF")
    pngs = [path.read_bytes() for path in (runs / "opened/figures").glob("*.png")]
    assert opened[figure]._repr_png_() in pngs
    with pytest.raises(NodeError, match="is no figure"):
        opened[BANK].picture()
    assert "<caption>ends</caption>" in opened.table("ends")._repr_html_()
    assert "the first 20 of 120 rows" in opened.table("classifier.ends.endpoints")._repr_html_()
    assert repr(opened.table("ends")).splitlines()[0].split()[:4] == ["width", "seed", "classifier", "flow"]
    assert repr(opened.table("classifier.ends.endpoints")).endswith("and 100 more rows")
    assert repr(opened) == f"<Results: {len(opened)} nodes, {len(opened.table_names)} tables>"
    html = opened._repr_html_()
    assert html.count("<img") == len(opened.figures)
    assert "classifier.ends.endpoints" in html


def test_without_pandas_one_line_says_what_to_install(runs: Path, tmp_path: Path) -> None:
    script = (
        "import sys; sys.modules['pandas'] = None\n"  # what import finds blocked
        "import flowlab\n"
        f"run = flowlab.open_run({str(runs / 'opened')!r})\n"
        "assert len(run.table('ends')) == 6 and 'toprule' in run.latex('ends')\n"
        "run.frame('ends')"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=100, check=False
    )
    assert ended.stderr.splitlines()[-1].endswith(
        "ExtraMissing: a DataFrame needs pandas: pip install 'flowlab[pandas]'"
    )


def test_the_summary_is_that_of_the_file(opened: Any, runs: Path) -> None:
    assert opened.summary == json.loads((runs / "opened/summary.json").read_text())
