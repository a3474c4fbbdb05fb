"""The answer on stdout."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from attrs import evolve
from report_nodes import done, failed, node, outcome_of

from flowlab.api import Classes
from flowlab.engine.outcome import Record
from flowlab.output.answer import format_answer
from flowlab.output.denoiser_quality import DenoiserQuality
from flowlab.output.seed_statistics import SeedStatistics


@pytest.mark.parametrize(
    ("count", "total", "text"),
    [(0, 10, "0.0 [0.0, 30.8]"), (5, 5, "100.0 [47.8, 100.0]"), (0, 0, "-")],
)
def test_share(count: int, total: int, text: str) -> None:
    assert str(SeedStatistics((count / max(total, 1),), total)) == text


def test_answer() -> None:
    classes = Classes({"pf": torch.tensor([0, 0, 1, 4])}, {}, 0.2, "linf")
    metrics = {"violation_max": [0.1, None, 0.3], "slab_ratio": [1.0, 1.5, None]}
    outcome = outcome_of(
        done("denoiser", "net", metrics=metrics, shortfall="one level unsolved"),
        done("classifier", "c", metrics={"pf": classes.counts("pf")}),
        failed("analysis", "bad"),
        done("figure", "first"),
        done("figure", "second"),
    )
    lines = format_answer(outcome, Path("runs/x")).splitlines()
    assert lines[-2:] == ["runs/x/report.html", "runs/x/figures/first.png"]
    row = next(line for line in lines if line.split()[:2] == ["c", "pf"])
    assert "50.0 [6.8, 93.2]" in row
    assert next(line for line in lines if line.startswith("  net")).split() == ["net", "0.3", "1.5"]
    assert "short: denoiser.net: one level unsolved" in lines
    assert "failed: analysis.bad: no such thing" in lines
    assert "4 of 5 nodes in 2.0 s, 0.5 s of it for denoiser.net" in lines


def test_what_is_left_out_for_one_reason_is_a_line() -> None:
    skipped = [Record(node("flow", name), "skipped", message="interrupted") for name in "abc"]
    alone = Record(node("flow", "d"), "skipped", message="needs dataset.x")
    outcome = evolve(outcome_of(done("dataset", "y"), *skipped, alone), signal=2)
    lines = format_answer(outcome, Path("o")).splitlines()
    assert lines[:2] == ["skipped: flow.a and 2 more: interrupted", "skipped: flow.d: needs dataset.x"]
    assert "interrupted; run again to resume" in lines
    assert "interrupted" in format_answer(outcome, None).splitlines()


def test_a_gap_is_shown_where_a_denoiser_has_one() -> None:
    figures = {"violation_max": [1e-6], "slab_ratio": [1.0]}
    outcome = outcome_of(
        done("denoiser", "plain", metrics=figures),
        done(
            "denoiser",
            "certified",
            metrics=figures | {"gap_proved": [0.002, 0.01], "gap_estimate": [0.001, 0.003]},
        ),
    )
    lines = format_answer(outcome, Path("o")).splitlines()
    assert lines[1].endswith("proved gap  estimated gap")
    assert [line.split()[-2:] for line in lines[2:4]] == [["-", "-"], ["0.01", "0.003"]]


def test_the_first_figure_is_the_first_of_the_file() -> None:
    outcome = outcome_of(done("figure", "b"), done("figure", "a"), failed("figure", "c"))
    assert format_answer(outcome, Path("o"), ["c", "a", "b"]).splitlines()[-1] == "o/figures/a.png"


def test_answer_without_figures_ends_with_the_page() -> None:
    assert format_answer(outcome_of(done("dataset", "x")), Path("out")).splitlines()[-1] == "out/report.html"


@pytest.mark.parametrize(("metric", "text"), [(2, "2"), ([None], "-"), (float("nan"), "-"), ([], "-")])
def test_worst(metric: object, text: str) -> None:
    assert DenoiserQuality("net", {}, ({"cost": metric},)).cell("cost") == text
