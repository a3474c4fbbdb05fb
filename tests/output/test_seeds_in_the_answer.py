"""Seeds and swept keys in the answer and in the tables of metrics."""

from __future__ import annotations

import csv
import io
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from report_nodes import done, outcome_of

from flowlab.api import CLASSES
from flowlab.engine.outcome import Outcome
from flowlab.output.answer import format_answer, format_fractions, format_interpolation, format_shortfalls
from flowlab.output.denoiser_quality import interpolates
from flowlab.output.fractions import end_fractions
from flowlab.output.metrics_table import metrics_as_csv
from flowlab.output.seed_statistics import OVER_SEEDS
from flowlab.output.text_table import fit_columns

SHARES = {0: 394, 1: 396, 2: 194}  # of 500 that end in training points, by seed
WIDTH, OPTIMIZER, SEED = "denoiser.net.width", "denoiser.net.optimizer", "experiment.seed"


def counts(training: int, of: int = 500) -> dict[str, int]:
    return dict.fromkeys(CLASSES, 0) | {"training": training, "boundary": of - training}


def sweep() -> Outcome:
    records = []
    for width in (50, 200):
        for seed, training in SHARES.items():
            setting = {WIDTH: width, OPTIMIZER: "al", SEED: seed}
            quality = {
                "violation_max": [0.1 * seed, 0.01],
                "slab_ratio": [None, 1.5],
                "violation_allowed": [0.05, 0.05],
            }
            short = f"worst {0.1 * seed:.1f} at sigma 0.1" if width == 50 else None
            records.append(done("denoiser", "net", setting, metrics=quality, shortfall=short))
            metrics = {"pf": counts(training), "changed_at_half_step": {"pf": 2}}
            records.append(done("classifier", "ends", setting, metrics=metrics))
    return outcome_of(*records)


def named_metrics(outcome: Outcome) -> list[tuple[str, Any, Any]]:
    return [(record.node.name, record.node.variant, record.metrics) for record in outcome.of("denoiser")]


def test_the_interval_over_seeds_is_of_the_means_and_says_so() -> None:
    lines = format_fractions(end_fractions(sweep()), 200)
    assert lines[0] == "Where the flows end, % of 500 starts at each of 3 seeds"
    assert OVER_SEEDS in " ".join(" ".join(lines).split())
    header, first, second = lines[-3:]
    assert header.split()[:5] == ["classifier", "width", "optimizer", "flow", "training"]
    assert first.split()[:4] == ["ends", "50", "al", "pf"]
    assert second.split()[:4] == ["ends", "200", "al", "pf"]
    shares = np.array(list(SHARES.values())) / 5
    assert f"{shares.mean():.1f} ± {shares.std(ddof=1):.1f} [7." in first  # far wider than that of 1,500 starts
    assert first.split()[-1] == "6"  # changed at half the step, of all seeds


def test_one_seed_says_that_its_interval_is_of_starts_alone() -> None:
    lines = format_fractions(
        end_fractions(outcome_of(done("classifier", "ends", metrics={"pf": counts(394)}))), 200
    )
    assert "over the starts of one seed alone" in lines[1]
    assert "78.8 [75.0, 82.3]" in lines[-1]


def test_settings_that_fall_short_alike_are_one_line() -> None:
    (line,) = format_shortfalls(sweep())
    assert line.startswith("short: denoiser.net[width=50,optimizer=al,seed=0]: worst 0.0 at sigma 0.1")
    assert line.endswith("likewise 2 more of its settings")


def test_denoisers_have_a_row_a_setting() -> None:
    rows = [line.split() for line in format_interpolation(named_metrics(sweep()), 200)]
    assert rows[-3][:4] == ["denoiser", "width", "optimizer", "interpolates"]
    assert rows[-2][:3] == ["net", "50", "al"]
    assert " ".join(rows[-2][3:6]) == "1 of 3"


@pytest.mark.parametrize("width", [80, 60, 44, 30])
def test_lines_fit_the_terminal_and_no_word_is_broken(width: int) -> None:
    lines = format_answer(sweep(), None, width=width).splitlines()
    words = set(format_answer(sweep(), None, width=1000).split())
    long = max(map(len, words))
    assert all(len(line) <= max(width, long + 6) for line in lines)
    assert all(len(line) <= width for line in lines if max(map(len, line.split()), default=0) < width - 8)
    for word in ("[95", "training", "100.0]", "denoiser.net[width=50,optimizer=al,seed=0]:"):
        assert word in " ".join(lines).split()


WORDS = st.text("abcdefgh", min_size=1, max_size=9)


@settings(max_examples=100, deadline=None)
@given(
    st.integers(2, 6).flatmap(lambda n: st.lists(st.lists(WORDS, min_size=n, max_size=n), min_size=2, max_size=5))
)
def test_a_table_that_fits_keeps_all_its_cells(rows: list[list[str]]) -> None:
    lines = fit_columns(rows, 40)
    assert all(len(line) <= 40 for line in lines)
    cells = " ".join(lines).replace(":", " ").replace(",", " ").split()
    assert set(cells) >= {cell for row in rows[1:] for cell in row}


def read(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode())))


def test_every_metric_is_a_row_with_its_settings_and_seed() -> None:
    rows = read(metrics_as_csv(sweep())["tables/metrics.csv"])
    (row,) = [
        row for row in rows
        if (row["metric"], row[WIDTH], row[SEED]) == ("pf.training", "200", "2")
    ]  # fmt: skip
    assert row == {
        "kind": "classifier", "node": "ends", WIDTH: "200", OPTIMIZER: "al", SEED: "2", "status": "done",
        "metric": "pf.training", "item": "", "value": "194", "text": "",
    }  # fmt: skip
    worst = [row for row in rows if row["metric"] == "violation_max" and row[WIDTH] == "50"]
    assert [(row[SEED], row["item"], row["value"]) for row in worst] == [
        ("0", "0", "0.0"), ("0", "1", "0.01"), ("1", "0", "0.1"), ("1", "1", "0.01"),
        ("2", "0", "0.2"), ("2", "1", "0.01"),
    ]  # fmt: skip


def test_statistics_over_seeds_are_those_of_numpy() -> None:
    rows = read(metrics_as_csv(sweep())["tables/metrics-over-seeds.csv"])
    share = next(row for row in rows if (row["metric"], row[WIDTH]) == ("pf.training.share", "50"))
    values = np.array(list(SHARES.values())) / 500
    assert (share["seeds"], SEED in share) == ("3", False)
    assert float(share["mean"]) == pytest.approx(values.mean())
    assert float(share["deviation"]) == pytest.approx(values.std(ddof=1))
    half = 4.302652729911275 * values.std(ddof=1) / 3**0.5  # Student's t, 2 degrees of freedom
    assert float(share["low"]) == pytest.approx(values.mean() - half)
    assert float(share["high"]) == 1.0


def test_without_seeds_there_is_no_table_of_them() -> None:
    assert list(metrics_as_csv(outcome_of(done("analysis", "x", metrics={"a": 1})))) == ["tables/metrics.csv"]
    assert metrics_as_csv(outcome_of(done("analysis", "x"))) == {}


@pytest.mark.parametrize(
    ("metrics", "answer"),
    [
        ({"violation_max": [0.01, 0.02], "violation_allowed": [0.05, 0.02]}, True),
        ({"violation_max": [0.01, 0.021], "violation_allowed": [0.05, 0.02]}, False),
        ({"violation_max": [0.35], "violation_allowed": [0.05], "cost_ratio": [0.4]}, False),
        ({"violation_max": [0.01, None], "violation_allowed": [0.05, 0.05]}, False),
        ({"violation_max": [0.01, None], "violation_allowed": [0.05, 0.05], "usable": [True, False]}, True),
        ({"violation_max": [0.01], "violation_allowed": [0.05], "usable": [False]}, False),
        ({"violation_max": [0.01]}, None),
        ({"cost": [1.0]}, None),
    ],
)
def test_interpolates(metrics: dict[str, Any], answer: bool | None) -> None:
    assert interpolates(metrics) is answer
