"""Where an analysis's numbers stand is known before the run, so check tells of a claim's misspelt metric."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from run_records import run_records

from flowlab import Experiment
from flowlab.api import ExperimentError
from flowlab.api.metric_places import known_places, leads_to_one

EXPERIMENT = """
[experiment]
name = "places"

[dataset.points]
use = "orthogonal"
dimension = 3
points = 4
samples = 20
frame = "standard"

[schedule.levels]
use = "noise-levels"
levels = [0.05, 0.03]

[denoiser.form]
use = "closed-form"
dataset = "points"
schedule = "levels"

[optimizer.slabs]
use = "max-margin"

[denoiser.slabs]
use = "shallow-relu"
dataset = "points"
schedule = "levels"
optimizer = "slabs"

[flow.score]
use = "score"
denoiser = "form"
samples = 20

[flow.pf]
use = "probability"
denoiser = "form"
samples = 20
center = "anchor"

[classifier.ends]
use = "stable-points"
flow = ["score", "pf"]

[analysis.fractions]
use = "class-fractions"
classifier = "ends"

[analysis.sums]
use = "virtual-point-stability"
denoiser = "form"
orders = [2, 3]

[analysis.quality]
use = "interpolation"
denoiser = ["slabs"]

[analysis.regime]
use = "low-noise-coverage"
denoiser = "slabs"

[analysis.fixed]
use = "fixed-points"
denoiser = "form"

[analysis.vertices]
use = "predicted-vertex"
flow = ["score"]

[analysis.separable]
use = "separability"
dataset = "points"
schedule = "levels"
"""
CLAIM = """
[analysis.claim]
use = "claim"
text = "so it is"
source = "ours"
ours = "{analysis}"
metric = "{metric}"
at_least = 0.0
"""


def numbers(metrics: Any, above: str = "") -> list[str]:
    if isinstance(metrics, Mapping):
        return [place for key, value in metrics.items() for place in numbers(value, f"{above}.{key}".lstrip("."))]
    if isinstance(metrics, list | tuple):
        return [place for k, value in enumerate(metrics) for place in numbers(value, f"{above}.{k}")]
    return [above] if metrics is None or isinstance(metrics, int | float) else []


def test_every_number_stands_where_it_was_said_to_and_most_of_those_said_are_there() -> None:
    records = run_records(Experiment.from_toml(EXPERIMENT)).values()
    for record in (record for record in records if record.node.kind.name == "analysis"):
        places = known_places(record.node)
        assert places is not None
        found = numbers(record.metrics)
        assert found
        for place in found:
            assert leads_to_one(place, places), (record.node.name, place)
        for place in places:
            if "*" not in place and "score/predicted" not in place:
                assert place in found, (record.node.name, place)


@pytest.mark.parametrize(
    ("analysis", "metric", "near"),
    [
        ("fractions", "score.virtuel", "score.virtual"),
        ("fractions", "sore.virtual", "score.virtual"),
        ("sums", "4.share", "3.share"),
        ("sums", "2.shares", "2.share"),
        ("quality", "slabs.slab_ration", "slabs.slab_ratio"),
        ("regime", "low-noise", "low_noise"),
    ],
)
def test_a_misspelt_metric_is_told_before_the_run(analysis: str, metric: str, near: str) -> None:
    text = EXPERIMENT + CLAIM.format(analysis=analysis, metric=metric)
    with pytest.raises(ExperimentError) as caught:
        Experiment.from_toml(text)
    (problem,) = caught.value.problems
    line = text.splitlines().index(f'metric = "{metric}"') + 1
    assert problem.where == f"<text>:{line}:1"
    assert f"metric: {analysis!r} has no number at {metric!r} among its metrics" in problem.message
    assert "did you mean '" in problem.message
    if metric != "4.share":
        assert f"did you mean {near!r}?" in problem.message


@pytest.mark.parametrize(
    ("analysis", "metric"),
    [("fractions", "score"), ("fractions", "pf/predicted.virtual"), ("sums", "2"), ("fixed", "virtual.1")],
)
def test_places_above_numbers_and_open_ones_are_no_mistakes(analysis: str, metric: str) -> None:
    Experiment.from_toml(EXPERIMENT + CLAIM.format(analysis=analysis, metric=metric))


keys = st.lists(st.text("ab[]=.0", min_size=1).filter(lambda key: "." not in key), min_size=1, max_size=4)


@given(keys, st.data())
def test_a_place_and_all_above_it_lead_to_it_and_nothing_else(known: list[str], data: Any) -> None:
    count = data.draw(st.integers(1, len(known)))
    assert leads_to_one(".".join(known[:count]), [".".join(known)])
    other = data.draw(keys)
    if other != known[: len(other)]:
        assert not leads_to_one(".".join(other), [".".join(known)])
