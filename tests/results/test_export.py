"""`flowlab export` through the real entry point."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

import flowlab
from flowlab import Experiment
from flowlab.api import ExperimentError
from flowlab.results.export_tables import TableFiles
from flowlab.results.result_table import ResultTable

Export = Callable[..., "subprocess.CompletedProcess[str]"]
TEXT = """
[experiment]
name = "exported"
seeds = 2

[dataset.triangle]
use = "equilateral-triangle"
samples = 20

[schedule.low]
use = "variance-exploding"
final_time = 0.01
levels = 3

[denoiser.theory]
use = "closed-form"
dataset = "triangle"
schedule = "low"

[flow.pf]
use = "probability"
denoiser = "theory"
samples = 30

[classifier.ends]
use = "stable-points"
flow = ["pf"]

[sweep.radius]
"dataset.triangle.radius" = [1.0, 2.0]
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("export") / "runs/exported"
    Experiment.from_toml(TEXT).run(folder, device="cpu", quiet=True)
    return folder


@pytest.fixture
def export(run: Path, tmp_path: Path) -> Export:
    """Run `flowlab export` in an empty folder, with modules that can't be imported."""

    def call(*arguments: str, blocked: str = "") -> subprocess.CompletedProcess[str]:
        (tmp_path / "blocked").mkdir(exist_ok=True)
        if blocked:
            (tmp_path / f"blocked/{blocked}.py").write_text("raise ImportError('blocked')")
        environment = {**os.environ, "PYTHONPATH": str(tmp_path / "blocked")}
        command = [sys.executable, "-m", "flowlab", "export", str(run), *arguments]
        return subprocess.run(
            command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=100, check=False
        )

    return call


def test_parquet_and_csv_hold_what_the_frame_holds(run: Path, export: Export, tmp_path: Path) -> None:
    opened = flowlab.open_run(run)
    assert export("--format", "parquet").returncode == 0
    assert export("--format", "csv").returncode == 0
    names = opened.table_names
    assert sorted(path.name for path in (tmp_path / "export").iterdir()) == sorted(
        f"{name}.{suffix}" for name in names for suffix in ("csv", "parquet")
    )
    for name in names:
        pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / f"export/{name}.parquet"), opened.frame(name))
        assert len(pd.read_csv(tmp_path / f"export/{name}.csv")) == len(opened.frame(name))


def test_latex(run: Path, export: Export, tmp_path: Path) -> None:
    ended = export(
        "--format", "latex", "--table", "ends", "--column", "training", "--column", "flow", "--out", "tex"
    )
    assert (ended.returncode, ended.stdout) == (0, "tex/ends.tex\n")
    text = (tmp_path / "tex/ends.tex").read_text()
    assert text == flowlab.open_run(run).latex("ends", columns=["training", "flow"])
    shares = flowlab.open_run(run).frame("ends").groupby("radius")["training"].mean()
    for radius, share in shares.items():
        [line] = [line for line in text.splitlines() if line.strip().startswith(f"${radius:.2f}$")]
        assert f"{100 * share:.0f}" in line
    assert r"\pm" in text or "^{+" in text
    assert "virtual" not in text


def test_long_tables_are_left_out_of_latex_with_a_word(export: Export, tmp_path: Path) -> None:
    ended = export("--format", "latex")
    assert ended.returncode == 0
    assert "warning: classifier.ends.endpoints: left out, its 120 rows are too many for a page" in ended.stderr
    assert not (tmp_path / "export/classifier.ends.endpoints.tex").exists()
    named = export("--format", "latex", "--table", "classifier.ends.endpoints", "--each-seed")
    assert named.returncode == 0
    assert (tmp_path / "export/classifier.ends.endpoints.tex").read_text().count(r"\\") == 121


def test_mistakes(export: Export, tmp_path: Path) -> None:
    ended = export("--table", "edns")
    assert (ended.returncode, ended.stderr) == (2, "tables: there is no 'edns' (did you mean 'ends'?)\n")
    ended = export("--table", "ends", "--column", "flwo")
    assert (ended.returncode, ended.stderr) == (2, "columns of ends: there is no 'flwo' (did you mean 'flow'?)\n")
    assert export("--column", "flow").returncode == 2
    listed = export("--list")
    assert listed.returncode == 0
    assert any(line.split()[:2] == ["ends", "4"] for line in listed.stdout.splitlines())
    assert not (tmp_path / "export").exists()


def test_a_column_of_several_types_has_no_form_in_parquet(tmp_path: Path) -> None:
    table = ResultTable("mixed", (), {"x": [1.5, "one"]})
    with pytest.raises(ExperimentError, match=r"mixed: has no form in parquet: .*x"):
        TableFiles("parquet", tmp_path).write(table)
    assert TableFiles("csv", tmp_path).write(table) == str(tmp_path / "mixed.csv")


@pytest.mark.parametrize(("module", "purpose"), [("pandas", "a DataFrame"), ("pyarrow", "a parquet file")])
def test_a_missing_package_is_named_in_one_line(export: Export, tmp_path: Path, module: str, purpose: str) -> None:
    ended = export("--format", "parquet", blocked=module)
    assert ended.returncode == 2
    assert ended.stderr == f"{purpose} needs {module}: pip install 'flowlab[pandas]'\n"
    assert not (tmp_path / "export").exists()
    assert export("--format", "csv").returncode == 0
    assert export("--format", "latex", "--table", "ends").returncode == 0
