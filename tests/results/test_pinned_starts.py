"""A flow whose own seed gives all seeds the same starts: where it is said, and that the starts count once."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from scipy.stats import binomtest

import flowlab
from flowlab import Experiment
from flowlab.api import NodeLabel
from flowlab.components.figures.endpoints.shares import mean_over_seeds, read_shares
from flowlab.html.compare import load_comparison
from flowlab.results.results import Results

TEXT = """
[experiment]
name = "pinned"
seeds = 4

[dataset.triangle]
use = "equilateral-triangle"

[schedule.low]
use = "variance-exploding"
final_time = 0.01
levels = 3

[denoiser.theory]
use = "closed-form"
dataset = "triangle"
schedule = "low"

[flow.drawn]
use = "probability"
denoiser = "theory"
samples = 30

[flow.fixed]
use = "probability"
denoiser = "theory"
samples = 30
seed = 0

[classifier.ends]
use = "stable-points"
flow = ["drawn", "fixed"]

[analysis.shares]
use = "class-fractions"
classifier = "ends"

[analysis.none-elsewhere]
use = "claim"
source = "none"
text = "no start ends elsewhere"
ours = ["shares"]
metric = "fixed.elsewhere"
at_most = 0.05
"""
SAID = (
    "fixed: all seeds have the same starts, by the flow's own seed: "
    "intervals are at least those of these starts alone"
)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Results, Path]:
    folder = tmp_path_factory.mktemp("pinned") / "runs/pinned"
    return Experiment.from_toml(TEXT).run(folder, device="cpu", quiet=True), folder


def high_end(count: int, starts: int) -> float:
    return float(binomtest(count, starts).proportion_ci(0.95, method="exact").high)


def test_tables_count_the_starts_once(runs: tuple[Results, Path]) -> None:
    for results in (runs[0], flowlab.open_run(runs[1])):
        means: pd.DataFrame = results.frame("metrics-over-seeds").set_index("metric")
        none = means.loc["fixed.elsewhere.share"]
        assert (none["seeds"], none["mean"]) == (4, 0.0)
        assert none["high"] == pytest.approx(high_end(0, 30), rel=1e-9)
        assert means.loc["drawn.elsewhere.share", "high"] == pytest.approx(high_end(0, 120), rel=1e-9)
        latex = results.latex("ends", columns=["flow", "elsewhere"])
        assert "starts that are the same at all seeds are counted once" in latex
        [fixed] = [line for line in latex.splitlines() if " fixed " in line.replace("&", " ")]
        assert f"+{100 * high_end(0, 30):.0f}" in fixed


def test_the_answers_say_it_in_the_same_lines(runs: tuple[Results, Path]) -> None:
    live, opened = (str(results).split("\n\n")[0].splitlines() for results in (runs[0], flowlab.open_run(runs[1])))
    assert live == opened
    assert live[0].startswith("Where the flows end")
    assert SAID in " ".join(line.strip() for line in live)


def test_the_page_of_several_runs_says_it(runs: tuple[Results, Path]) -> None:
    ends, _ = load_comparison([runs[1], runs[1]]).ends
    assert SAID in ends.caption
    assert {row.flow: row.same_starts for row in ends.ends} == {"drawn": False, "fixed": True}


def test_a_claim_counts_the_starts_once(runs: tuple[Results, Path]) -> None:
    """Four seeds of 30 drawn starts would say less than 3.1 %; the same 30 starts do not."""
    claim = runs[0]["analysis.none-elsewhere"].metrics
    assert claim["ours_intervals"] == [[0.0, pytest.approx(high_end(0, 30), rel=1e-9)]]
    assert claim["verdict"] == "undecided"


def test_a_figure_counts_the_starts_once_and_says_so(runs: tuple[Results, Path]) -> None:
    seeds = {NodeLabel("shares", {"experiment.seed": seed}): seed for seed in range(4)}
    values = {label: runs[0][f"analysis.shares[seed={seed}]"].value for label, seed in seeds.items()}
    means = {
        flow: mean_over_seeds(
            [share for share in read_shares(values) if (share.panel, share.line) == (flow, "elsewhere")]
        )
        for flow in ("drawn", "fixed")
    }
    assert means["fixed"].interval == (0.0, pytest.approx(high_end(0, 30), rel=1e-9))
    assert means["drawn"].interval == (0.0, pytest.approx(high_end(0, 120), rel=1e-9))
    assert means["fixed"].description.endswith("over 4 seeds, at least that of 30 starts, the same at each")
    assert means["drawn"].description.endswith("over 4 seeds")
