"""A figure of a finished run is drawn again from the store, and nothing is trained."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from summaries import entries

from flowlab.api import ExperimentError, NodeError, OutputError
from flowlab.api.helpers.plotting import WIDTHS
from flowlab.api.kinds.figure import FigureLook
from flowlab.engine.cache.store import Store
from flowlab.runner import redraw_figure as module
from flowlab.runner.redraw_figure import redraw_figure
from flowlab.runner.run_experiment import plan_runs, run_experiment

EXPERIMENT = """
[experiment]
name = "tiny"
[dataset.simplex]
use = "obtuse-simplex"
points = 3
dimension = 2
samples = 20
[schedule.ve]
use = "variance-exploding"
final_time = 0.01
levels = 4
[optimizer.al]
use = "augmented-lagrangian"
steps = 300
[denoiser.trained]
use = "shallow-relu"
dataset = "simplex"
schedule = "ve"
optimizer = "al"
width = 16
[flow.pf]
use = "probability"
denoiser = "trained"
samples = 30
[classifier.ends]
use = "stable-points"
flow = ["pf"]
[figure.bars]
use = "class-bars"
classifier = "ends"
[figure.training]
use = "training-curves"
denoiser = "trained"
"""


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The runs' folder, with one run in it."""
    runs = tmp_path_factory.mktemp("runs")
    (runs / "tiny.toml").write_text(EXPERIMENT)
    (plan,) = plan_runs([runs / "tiny.toml"], runs / "tiny", (), "cpu")
    run_experiment(plan, "cpu", quiet=True)
    return runs


def test_the_same_figure_in_another_format(runs: Path, tmp_path: Path) -> None:
    out = redraw_figure(runs / "tiny", "bars", "png", FigureLook(), tmp_path / "bars.png", recompute=False)
    assert out.read_bytes() == (runs / "tiny/figures/bars.png").read_bytes()


@pytest.mark.parametrize("width", ["single", "double"])
def test_it_fills_a_column_and_embeds_its_fonts(runs: Path, tmp_path: Path, width: Any) -> None:
    pdf = redraw_figure(
        runs / "tiny", "bars", "pdf", FigureLook(size=width), tmp_path / "bars.pdf", recompute=False
    ).read_bytes()
    points = float(re.search(rb"/MediaBox \[ 0 0 ([\d.]+)", pdf)[1])
    assert points / 72 == pytest.approx(WIDTHS[width], rel=1e-3)
    assert b"/FontFile2" in pdf
    assert b"/Type3" not in pdf


def test_a_look_changes_what_it_names_alone(runs: Path, tmp_path: Path) -> None:
    look = FigureLook(title="Where it ends", xlabel="starts", size=(5.0, 2.5))
    svg = redraw_figure(runs / "tiny", "bars", "svg", look, tmp_path / "bars.svg", recompute=False).read_text()
    assert 'width="360pt" height="180pt"' in svg
    assert "<!-- Where it ends -->" in svg
    assert "<!-- starts -->" in svg
    assert "<!-- share of starts -->" not in svg
    assert "<!-- share of starts -->" in (runs / "tiny/figures/bars.svg").read_text()


def test_a_style_sets_the_fonts(runs: Path, tmp_path: Path) -> None:
    (tmp_path / "own.mplstyle").write_text("font.family: serif\nfont.serif: STIXGeneral\n")
    for style in ("paper", str(tmp_path / "own.mplstyle")):
        look = FigureLook(style=style)
        pdf = redraw_figure(
            runs / "tiny", "bars", "pdf", look, tmp_path / "bars.pdf", recompute=False
        ).read_bytes()
        assert b"STIXGeneral" in pdf
        assert b"DejaVuSans" not in pdf
    with pytest.raises(ExperimentError, match=r"--style: 'papre' is no file .*did you mean 'paper'"):
        redraw_figure(runs / "tiny", "bars", "pdf", FigureLook(style="papre"), None, recompute=False)
    with pytest.raises(NodeError, match=r"no style file 'none\.mplstyle'"):
        redraw_figure(runs / "tiny", "bars", "pdf", FigureLook(style="none.mplstyle"), None, recompute=False)


def test_an_axis_is_logarithmic_where_it_can_be(runs: Path, tmp_path: Path) -> None:
    look = FigureLook(xscale="log")
    assert redraw_figure(runs / "tiny", "training", "svg", look, tmp_path / "t.svg", recompute=False).exists()
    with pytest.raises(NodeError, match="takes numbers above zero"):
        redraw_figure(runs / "tiny", "bars", "svg", FigureLook(yscale="log"), None, recompute=False)


def test_without_a_place_it_is_written_here(runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert redraw_figure(runs / "tiny", "bars", "svg", FigureLook(), None, recompute=False) == Path("bars.svg")
    assert (tmp_path / "bars.svg").read_text().startswith("<?xml")
    with pytest.raises(OutputError, match="can't be written"):
        redraw_figure(runs / "tiny", "bars", "svg", FigureLook(), tmp_path, recompute=False)


def test_nothing_is_trained_unasked(runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    training = entries(runs / "tiny")["denoiser.trained"]["seconds"]
    monkeypatch.setattr(module, "_LONG", training)  # it is over too soon to be missed
    alone = tmp_path / "runs"
    shutil.copytree(runs / "tiny", alone / "tiny")
    with pytest.raises(ExperimentError, match=r"not stored in .*denoiser\.trained.*--recompute"):
        redraw_figure(alone / "tiny", "bars", "png", FigureLook(), tmp_path / "bars.png", recompute=False)
    assert not Store.beside(alone).result_files()
    redraw_figure(alone / "tiny", "bars", "png", FigureLook(), tmp_path / "bars.png", recompute=True)
    assert (tmp_path / "bars.png").read_bytes() == (runs / "tiny/figures/bars.png").read_bytes()


def test_what_is_no_figure_or_no_run_is_told(runs: Path, tmp_path: Path) -> None:
    with pytest.raises(ExperimentError, match=r"no figure 'bar', but .*bars.*did you mean 'bars'"):
        redraw_figure(runs / "tiny", "bar", "png", FigureLook(), None, recompute=False)
    with pytest.raises(ExperimentError, match=r"expected the folder of a finished run.*No such file"):
        redraw_figure(tmp_path, "bars", "png", FigureLook(), None, recompute=False)
    for text in ("x = [", "run = 1", "experiment = 1\nrun = {}\nversions = {}"):
        (tmp_path / "lock.toml").write_text(text)
        (tmp_path / "summary.json").write_text('{"nodes": {}, "experiment": {"name": "x"}}')
        with pytest.raises(ExperimentError, match=rf"{tmp_path / 'lock.toml'}:\d+:\d+: "):
            redraw_figure(tmp_path, "bars", "png", FigureLook(), None, recompute=False)
