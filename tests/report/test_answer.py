"""The answer on stdout."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from report_nodes import done, failed, outcome_of
from scipy.stats import binomtest

from flowlab.api import Classes
from flowlab.report.answer import answer, worst
from flowlab.report.fractions import interval


@pytest.mark.parametrize(("count", "total"), [(0, 10), (10, 10), (3, 10), (250, 500), (1, 1)])
def test_interval_is_clopper_pearson(count: int, total: int) -> None:
    expected = binomtest(count, total).proportion_ci(method="exact")
    assert interval(count, total) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_interval_of_nothing() -> None:
    assert interval(0, 0) == (0.0, 1.0)


def test_answer() -> None:
    classes = Classes({"pf": torch.tensor([0, 0, 1, 4])}, {}, 0.2, "linf")
    metrics = {"violation_max": [0.1, None, 0.3], "slab_ratio": [1.0, 1.5, None]}
    outcome = outcome_of(
        done("denoiser", "net", metrics=metrics, shortfall="one level unsolved"),
        done("classifier", "c", value=classes),
        failed("analysis", "bad"),
        done("figure", "first"),
        done("figure", "second"),
    )
    lines = answer(outcome, Path("runs/x")).splitlines()
    assert lines[-2:] == ["runs/x", "runs/x/figures/first.png"]
    row = next(line for line in lines if line.split()[:2] == ["c", "pf"])
    assert "50.0 [6.8, 93.2]" in row
    assert next(line for line in lines if line.startswith("  net")).split() == ["net", "0.3", "1.5"]
    assert "short: denoiser.net: one level unsolved" in lines
    assert "failed: analysis.bad: no such thing" in lines
    assert "4 of 5 nodes in 2.0 s, 0.5 s of it for denoiser.net" in lines


def test_answer_without_figures_ends_with_the_folder() -> None:
    assert answer(outcome_of(done("dataset", "x")), Path("out")).splitlines()[-1] == "out"


@pytest.mark.parametrize(("metric", "text"), [(2, "2"), ([None], "-"), (float("nan"), "-"), ([], "-")])
def test_worst(metric: object, text: str) -> None:
    assert worst(metric) == text
