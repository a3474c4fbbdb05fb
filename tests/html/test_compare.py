"""Several runs on one page: what differs, numbers, shares, figures."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
import tomli
import tomli_w
import torch
from attrs import evolve
from pages import HOSTILE, write_page
from report_nodes import ENVIRONMENT, done, graph_of, outcome_of

from flowlab.api import CLASSES, Classes, ExperimentError
from flowlab.html.compare import load_comparison, write_comparison
from flowlab.html.curves import _axis, _drawn, _shares, plot_curves
from flowlab.output.run_folder import claim_folder
from flowlab.provenance.lock_content import checksum
from flowlab.provenance.settings_diff import diff_settings
from flowlab.runner.write_run import write_run


def written(folder: Path, ratio: float, short: bool = False, **keys: object) -> Path:
    """A run of one denoiser, at three settings of a sweep."""
    metrics = {"slab_ratio": [1.0, ratio], "violation_max": [1e-6, None], "usable": [True, True], "width": 5}
    records = [done("denoiser", "net", metrics=metrics, shortfall="short" if short else None)]
    for size in (1, 2, 4):
        labels = torch.tensor([0] * size + [1] * (4 - size))
        classes = Classes({"pf": labels}, {}, 0.2, "linf")
        counts = {"pf": classes.counts("pf")}
        records.append(done("classifier", "ends", {"dataset.box.points": size}, value=classes, metrics=counts))
    outcome = outcome_of(*records)
    graph = graph_of(outcome)
    claim_folder(folder)
    write_run(evolve(graph, resolved={**graph.resolved, "dataset": {"box": keys}}), outcome, ENVIRONMENT, folder)
    return folder


def test_what_differs_and_no_more(tmp_path: Path) -> None:
    one = written(tmp_path / "one", 1.5, samples=10, levels=[1, 2])
    two = written(tmp_path / "two", 1.5, samples=20, levels=[1, 2], frame="x")
    both = load_comparison([one, two])
    assert both.settings.columns == ["setting", "one", "two"]
    assert both.settings.rows == [["dataset.box.samples", "10", "20"], ["dataset.box.frame", "-", "x"]]
    assert both.versions.rows == []


def test_the_best_denoiser_comes_first_and_who_fell_short_last(tmp_path: Path) -> None:
    folders = [
        written(tmp_path / "dear", 1.5),
        written(tmp_path / "short", 0.5, short=True),
        written(tmp_path / "cheap", 1.001),
    ]
    rows = load_comparison(folders).denoisers.rows
    assert [row[1] for row in rows] == ["cheap", "dear", "short"]
    assert rows[0] == ["net", "cheap", "done", "1.001", "1e-06"]
    assert load_comparison(folders).denoisers.columns == [
        "denoiser",
        "run",
        "status",
        "cost / slabs",
        "largest violation",
    ]


def swept(folder: Path, networks: dict[str, tuple[float, float]], seeds: int = 1) -> Path:
    """A run of networks with a cost and a violation, at several seeds, and their flows."""
    records = []
    for seed in range(seeds):
        for optimizer, (cost, violation) in networks.items():
            variant = {"denoiser.net.optimizer": optimizer} | ({"experiment.seed": seed} if seeds > 1 else {})
            metrics = {"cost_ratio": [cost], "violation_max": [violation], "violation_allowed": [0.01]}
            records.append(done("denoiser", "net", variant, metrics=metrics))
            labels = torch.tensor([0] * (10 + seed) + [2] * (10 - seed))
            counts = {"pf": Classes({"pf": labels}, {}, 0.2, "linf").counts("pf")}
            records.append(done("classifier", "ends", variant, metrics=counts))
    outcome = outcome_of(*records)
    claim_folder(folder)
    write_run(graph_of(outcome), outcome, ENVIRONMENT, folder)
    return folder


def test_a_collapsed_network_does_not_lead(tmp_path: Path) -> None:
    one = swept(tmp_path / "one", {"decay": (0.4, 0.35), "minimum": (1.02, 0.001)})
    two = swept(tmp_path / "two", {"minimum": (1.01, 0.001), "none": (9.0, 0.01), "near": (3.0, 0.02)})
    grid = load_comparison([one, two]).denoisers
    assert grid.columns == [
        "denoiser", "run", "status", "optimizer", "interpolates", "at most", "cost / closed form",
        "largest violation",
    ]  # fmt: skip
    assert [(row[1], row[3], row[4]) for row in grid.rows] == [
        ("two", "minimum", "yes"), ("one", "minimum", "yes"), ("two", "none", "yes"),
        ("two", "near", "no"), ("one", "decay", "no"),
    ]  # fmt: skip


def test_seeds_stand_together(tmp_path: Path) -> None:
    runs = load_comparison([swept(tmp_path / name, {"al": (1.0, 0.0)}, seeds=3) for name in "ab"])
    ends, names = runs.ends
    assert names == ["a", "b"]
    # shares 50, 55 and 60 %; half the interval is 4.3027 * 5 / sqrt(3), that of 60 starts [41.6, 67.9] is wider
    assert {row.shares["training"] for row in ends.ends} == {"55.0 ± 5.0 [41.6, 67.9]"}
    assert runs.denoisers.rows[0] == ["net", "a", "done", "al", "yes", "0.01", "1 ± 0", "0 ± 0"]
    shares = [share for name, run in runs.summaries.items() for share in _shares(name, run)]
    assert _axis(shares) is None  # a seed is no axis


def test_a_further_sweep_has_panels_of_its_own(tmp_path: Path) -> None:
    records = []
    for size in (1, 2):
        for optimizer in ("al", "wd"):
            variant = {"dataset.box.points": size, "denoiser.net.optimizer": optimizer}
            counts = Classes({"pf": torch.tensor([0] * size + [1])}, {}, 0.2, "linf").counts("pf")
            records.append(done("classifier", "ends", variant, metrics={"pf": counts}))
    outcome = outcome_of(*records)
    for name in "ab":
        claim_folder(tmp_path / name)
        write_run(graph_of(outcome), outcome, ENVIRONMENT, tmp_path / name)
    runs = load_comparison([tmp_path / "a", tmp_path / "b"]).summaries
    figure = _drawn([shares for name, run in runs.items() for shares in _shares(name, run)], list(runs))
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["ends: pf, optimizer al", "ends: pf, optimizer wd"]
    assert all(line.get_xdata().tolist() == [1, 2] for ax in figure.axes for line in ax.lines)


def test_metrics_stand_by_name(tmp_path: Path) -> None:
    both = load_comparison([written(tmp_path / "a", 1.5), written(tmp_path / "b", 2)])
    assert both.metrics.columns == ["node", "points", "metric", "a", "b"]
    rows = {tuple(row[:3]): row[3:] for row in both.metrics.rows}
    assert list(rows) == sorted(rows)
    assert rows["denoiser.net", "-", "slab_ratio (largest)"] == ["1.5", "2"]
    assert rows["denoiser.net", "-", "width"] == ["5", "5"]
    assert rows["classifier.ends", "2", "pf.training.share"] == ["50.0 [6.8, 93.2]"] * 2


def test_curves_run_over_what_is_swept_with_intervals(tmp_path: Path) -> None:
    runs = load_comparison([written(tmp_path / "a", 1), written(tmp_path / "b", 1)]).summaries
    found = [shares for name, run in runs.items() for shares in _shares(name, run)]
    assert _axis(found) == "dataset.box.points"
    (ax,) = _drawn(found, list(runs)).axes
    assert ax.get_title(loc="left") == "ends: pf"
    assert len(ax.lines) == len(ax.collections) == 4  # two classes, two runs; the others have no end
    assert ax.lines[0].get_xydata().tolist() == [[1, 25], [2, 50], [4, 100]]
    assert [line.get_linestyle() for line in ax.lines] == ["-", "-", "--", "--"]
    band = ax.collections[0].get_paths()[0].vertices
    # Clopper and Pearson: of 4 of 4 the lower end is (0.05 / 2)^(1 / 4)
    assert band[:, 1].max() == pytest.approx(100)
    assert any(y == pytest.approx(100 * 0.025**0.25) for x, y in band if x == 4)


def test_without_a_sweep_curves_run_over_the_runs(tmp_path: Path) -> None:
    pages = [write_page(tmp_path / name) for name in "ab"]
    runs = load_comparison([page.parent for page in pages]).summaries
    assert plot_curves(runs) is not None
    found = [
        evolve(shares, swept={})
        for name in "ab"
        for shares in _shares(
            name, load_comparison([written(tmp_path / f"{name}{k}", 1) for k in range(2)]).summaries[f"{name}0"]
        )
    ]
    (ax,) = _drawn(found, ["a", "b"]).axes
    assert [text.get_text() for text in ax.get_xticklabels()] == ["a", "b"]
    assert len(ax.containers) == sum(any(one.shares[name].mean for one in found) for name in CLASSES)


def test_the_page_holds_each_run_s_figures_and_runs_nothing_of_theirs(tmp_path: Path) -> None:
    folders = [write_page(tmp_path / name).parent for name in ("one", "two")]
    text = write_comparison(folders, tmp_path / "out.html").read_text()
    assert text.count("data:image/svg+xml;base64") == 5  # two figures of each run, and the curves
    assert HOSTILE not in text
    assert text.count("<script") == 1
    assert not re.search(r'(src|href)="(?!data:|#)', text)


def test_files_that_the_lock_should_not_name_are_not_read(tmp_path: Path) -> None:
    folder = write_page(tmp_path / "one").parent
    (tmp_path / "secret.svg").write_text("secret")
    lock = tomli.loads((folder / "lock.toml").read_text())
    assert "figures/line.svg" in lock["files"]
    lock["files"] = {
        name.replace("figures/line.svg", "figures/../../secret.svg"): digest
        for name, digest in lock["files"].items()
    }
    forge(folder, lock)
    other = write_page(tmp_path / "two").parent
    assert len(load_comparison([folder, other]).figures["line"]) == 1


def forge(folder: Path, lock: dict[str, Any]) -> None:
    """Put a lock under its seal."""
    (folder / "lock.toml").write_text(tomli_w.dumps({**lock, "sha256": checksum(lock)}))


def test_every_folder_that_holds_no_run_is_told(tmp_path: Path) -> None:
    one = write_page(tmp_path / "one").parent
    with pytest.raises(ExperimentError) as told:
        write_comparison([one, tmp_path, tmp_path / "nowhere"], tmp_path / "out.html")
    assert len(told.value.problems) == 2
    assert all("expected the folder of a finished run" in problem.message for problem in told.value.problems)
    with pytest.raises(ExperimentError, match="two or more"):
        write_comparison([one], tmp_path / "out.html")
    assert not (tmp_path / "out.html").exists()


@pytest.mark.parametrize("file", ["lock.toml", "summary.json"])
def test_a_run_that_was_cut_is_told(tmp_path: Path, file: str) -> None:
    one, two = (write_page(tmp_path / name).parent for name in ("one", "two"))
    whole = (two / file).read_bytes()
    for content in (b"", whole[:40], whole[: len(whole) // 2], whole[:-2], whole.replace(b"1", b"2", 1)):
        (two / file).write_bytes(content)
        with pytest.raises(ExperimentError) as told:
            load_comparison([one, two])
        (problem,) = told.value.problems
        assert problem.where.startswith(str(two / file))
    (two / file).unlink()
    with pytest.raises(ExperimentError, match=r"expected the folder of a finished run.*summary\.json"):
        load_comparison([one, two])


def test_a_run_of_the_future_is_read_as_far_as_it_is_one(tmp_path: Path) -> None:
    one, two = (write_page(tmp_path / name).parent for name in ("one", "two"))
    lock = tomli.loads((two / "lock.toml").read_text())
    summary = json.loads((two / "summary.json").read_text())

    def rewritten(**said: Any) -> None:
        text = json.dumps({**summary, **said})
        (two / "summary.json").write_text(text)
        digest = hashlib.sha256(text.encode()).hexdigest()
        forge(two, {**lock, "files": {**lock["files"], "summary.json": digest}, "moods": {"good": True}})

    rewritten(moods=[1])
    assert load_comparison([one, two]).denoisers.rows
    for nodes in ([1], {"flow": {"pf": {}}}, {"flow": [{"name": "pf", "status": "done", "metrics": {}}]}):
        rewritten(nodes=nodes)
        with pytest.raises(ExperimentError, match="no summary of a run"):
            load_comparison([one, two])


def test_a_node_that_some_runs_lack_is_compared_among_the_others() -> None:
    runs = ({"use": "a", "x": 1, "y": 1}, {"use": "a", "x": 2, "y": 1}, None)
    tables = [{"dataset": {"d": one} if one else {}, "experiment": {"seed": 1}} for one in runs]
    assert dict(diff_settings(*tables)) == {"dataset.d": ("a", "a", None), "dataset.d.x": (1, 2, None)}
