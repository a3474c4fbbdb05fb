"""The files of a run."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import tomli
from attrs import evolve
from matplotlib.figure import Figure
from report_nodes import ENVIRONMENT, done, failed, graph_of, outcome_of

from flowlab.api import OutputError, Table
from flowlab.engine.outcome import Outcome
from flowlab.output.run_folder import claim_folder
from flowlab.runner.write_run import write_run


def written(folder: Path, *records: Any) -> Outcome:
    outcome = outcome_of(*records)
    claim_folder(folder)
    return write_run(graph_of(outcome), outcome, ENVIRONMENT, folder)[0]


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_summary_has_no_nan(tmp_path: Path) -> None:
    metrics = {"a": math.nan, "b": [1.0, math.inf], "c": {"d": True}}
    written(tmp_path, done("analysis", "x", metrics=metrics, shortfall="off"), failed("figure", "y"))
    summary = json.loads((tmp_path / "summary.json").read_text())
    x = summary["nodes"]["analysis"]["x"]
    assert x["metrics"] == {"a": None, "b": [1.0, None], "c": {"d": True}}
    assert (x["status"], x["shortfall"], x["seconds"]) == ("short", "off", 0.5)
    assert summary["nodes"]["figure"]["y"]["message"] == "no such thing"
    assert summary["experiment"]["seed"] == 7
    assert summary["seconds"] == 2.0


def test_tables_of_variants_are_merged(tmp_path: Path) -> None:
    def one(points: int) -> Any:
        table = Table({"level": [0, 1], "ok": [True, None]})
        return done("analysis", "x", {"dataset.s.points": points}, tables={"levels": table})

    written(tmp_path, one(3), one(4))
    text = (tmp_path / "tables/analysis.x.levels.csv").read_text()
    assert text == "dataset.s.points,level,ok\n3,0,true\n3,1,\n4,0,true\n4,1,\n"


def test_figures_and_their_names(tmp_path: Path) -> None:
    written(tmp_path, done("figure", "../a b/c", value=Figure()), done("figure", "A", value=Figure()))
    names = {name for name in files(tmp_path) if name.startswith("figures/")}
    assert names == {f"figures/{stem}.{form}" for stem in ("a_b_c", "A") for form in ("png", "pdf", "svg")}


def test_equal_figures_are_equal_files(tmp_path: Path) -> None:
    for name in "ab":
        figure = Figure()
        figure.subplots().plot([0, 1], [1, 0], marker="o")  # markers and clipped lines have ids in SVG
        written(tmp_path / name, done("figure", "f", value=figure))
    for form in ("png", "pdf", "svg"):
        assert (tmp_path / f"a/figures/f.{form}").read_bytes() == (tmp_path / f"b/figures/f.{form}").read_bytes()


def test_a_figure_that_cannot_be_drawn_fails_alone(tmp_path: Path) -> None:
    figure = Figure()
    figure.text(0, 0, r"$\nosuchcommand$")
    bad = evolve(done("figure", "bad", value=figure), digest="d")
    outcome = written(tmp_path, bad, done("figure", "good", value=Figure()))
    assert [record.status for record in outcome.records] == ["failed", "done"]
    assert outcome.exit_code == 1
    assert tomli.loads((tmp_path / "lock.toml").read_text())["nodes"]["figure.bad"] == {"status": "failed"}
    assert not (tmp_path / "figures/bad.png").exists()
    assert (tmp_path / "figures/good.png").exists()


def test_a_second_run_replaces_what_the_first_wrote_and_nothing_else(tmp_path: Path) -> None:
    table = {"t": Table({"a": [1]})}
    written(tmp_path, done("figure", "old", value=Figure()), done("analysis", "old", tables=table))
    (tmp_path / "figures/mine.png").write_text("mine")
    (tmp_path / "notes.txt").write_text("mine")
    written(tmp_path, done("figure", "new", value=Figure()))
    assert files(tmp_path) == {
        "summary.json", "lock.toml", "report.html", "notes.txt",
        "figures/mine.png", "figures/new.png", "figures/new.pdf", "figures/new.svg",
    }  # fmt: skip


@pytest.mark.parametrize("listed", ["../../victim", "figures/../victim", "figures/..", "/victim", "victim"])
def test_a_forged_lock_removes_nothing(tmp_path: Path, listed: str) -> None:
    folder = tmp_path / "a" / "b"
    (folder / "figures").mkdir(parents=True)
    victims = [tmp_path / "victim", folder / "victim"]
    for victim in victims:
        victim.write_text("mine")
    # as flowlab writes it, and as it once did
    for forged in (f'[files]\n"{listed}" = "0"\n', f'[run]\nfiles = ["{listed}"]\n'):
        (folder / "lock.toml").write_text(forged)
        written(folder, done("dataset", "x"))
        assert all(victim.exists() for victim in victims)


def test_what_an_early_lock_lists_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures/old.png").write_text("a former run's")
    (tmp_path / "lock.toml").write_text('[run]\nfiles = ["figures/old.png"]\n')
    written(tmp_path, done("dataset", "x"))
    assert not (tmp_path / "figures/old.png").exists()


def test_a_file_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    with pytest.raises(OutputError, match=r"out: can't be written"):
        claim_folder(tmp_path / "out")
    with pytest.raises(OutputError, match=r"inner: can't be written"):
        claim_folder(tmp_path / "out" / "inner")


@pytest.mark.parametrize("name", ["figures", "tables"])
def test_a_file_in_the_way_of_a_folder(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("")
    with pytest.raises(OutputError, match=name):
        claim_folder(tmp_path)


def test_a_folder_in_the_way_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "summary.json").mkdir()
    with pytest.raises(OutputError, match=r"summary\.json"):
        claim_folder(tmp_path)
