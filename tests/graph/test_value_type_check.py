"""References to a value of another class than the component takes: what is said, and that all else is let pass."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen
from engine_nodes import NOWHERE, graph_of, node

from flowlab.api import Context, EndShares, ExperimentError, Result, StableShares, Table, reference
from flowlab.api.value_types import yielded_types
from flowlab.engine.progress.quiet import QuietListener
from flowlab.engine.run import run_graph
from flowlab.graph.graph import build_graph, load_graph
from flowlab.registry.registry import Registry
from flowlab.spec.document import read_document

REGISTRY = Registry.installed()

BANK = """
[experiment]
name = "misfits"
[dataset.points]
use = "orthogonal"
dimension = 3
points = 3
[schedule.levels]
use = "noise-levels"
levels = [0.1]
[denoiser.form]
use = "closed-form"
dataset = "points"
schedule = "levels"
[flow.pf]
use = "probability"
denoiser = "form"
[classifier.ends]
use = "stable-points"
flow = ["pf"]
[analysis.sums]
use = "stable-sums"
denoiser = "form"
[analysis.shares]
use = "class-fractions"
classifier = "ends"
[figure.picture]
"""


def problems(folder: Path, text: str) -> list[str]:
    path = folder / "misfits.toml"
    path.write_text(BANK + text)
    with pytest.raises(ExperimentError) as caught:
        build_graph(read_document(path), REGISTRY)
    return [str(problem) for problem in caught.value.problems]


def test_a_misfit_is_told_with_its_place_and_what_fits(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, 'use = "stable-sums"\nanalysis = ["sums", "shares"]\n')
    assert problem.endswith(
        "misfits.toml:29:21: analysis: 'shares' (class-fractions) yields EndShares, but stable-sums takes "
        "StableSumCounts (did you mean 'sums'?)"
    )


def test_where_nothing_fits_a_component_is_named_that_would(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, 'use = "minimality-map"\nanalysis = "shares"\n')
    assert "but minimality-map takes Certificates; no analysis of this file fits" in problem
    assert 'one with use = "certificate" would' in problem


def test_one_problem_for_all_settings_of_a_sweep(tmp_path: Path) -> None:
    text = 'use = "stable-sums"\nanalysis = "shares"\n[sweep.n]\n"dataset.points.points" = [2, 3, 4]\n'
    assert len(problems(tmp_path, text)) == 1


def test_metrics_are_taken_of_any_analysis(tmp_path: Path) -> None:
    path = tmp_path / "misfits.toml"
    claim = '[analysis.claim]\nuse = "claim"\ntext = "t"\nsource = "s"\nours = "sums"\n'
    claim += 'metric = "tests"\nat_least = 1\n'
    path.write_text(BANK.replace("[figure.picture]\n", claim))
    assert load_graph(path, [], REGISTRY)


@frozen
class Silent:
    """An analysis that declares nothing."""

    value: Any

    def build(self, context: Context) -> Result:
        return Result(self.value)


@frozen
class Lying:
    """An analysis that yields another class than it declares."""

    def build(self, context: Context) -> Result[EndShares]:
        return Result(Table({}))  # type: ignore[arg-type]


@frozen
class Reader:
    """Takes shares of endpoints."""

    analysis: tuple[str, ...] = reference("analysis", many=True, help="shares")

    def build(self, context: Context, *, analysis: Mapping[str, EndShares | StableShares]) -> Result[Table]:
        return Result(Table({}))


@pytest.mark.parametrize(("value", "message"), [
    (EndShares({}), ""),
    (StableShares({}), ""),
    (Table({}), "analysis 'source' is of class Table, not EndShares or StableShares"),
])  # fmt: skip
def test_what_declares_nothing_is_tried(value: Any, message: str) -> None:
    source = node("analysis", "source", Silent(value))
    reader = node("analysis", "reader", Reader(("source",)), {"analysis": (source,)})
    record = run_graph(graph_of(source, reader), "cpu", QuietListener(), NOWHERE).records[1]
    assert (record.status, record.message) == (("failed", message) if message else ("done", ""))


def test_a_value_of_another_class_than_declared_is_a_failure() -> None:
    outcome = run_graph(graph_of(node("analysis", "lying", Lying())), "cpu", QuietListener(), NOWHERE)
    assert outcome.records[0].message.endswith("build yielded Table, not EndShares")


def test_every_built_in_analysis_declares_a_class_of_its_own() -> None:
    by_class: dict[tuple[type, ...], str] = {}
    for entry in REGISTRY.entries:
        if entry.kind == "analysis" and entry.distribution == "flowlab":
            yielded = yielded_types(entry.load(), entry.kind)
            assert len(yielded) == 1, f"{entry.name} declares {yielded}"
            assert yielded[0] is not Table
            assert yielded not in by_class, f"{entry.name} and {by_class[yielded]} yield the same class"
            by_class[yielded] = entry.name
