"""What two runs do not share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st
from report_nodes import ENVIRONMENT, done, failed, graph_of, outcome_of

from flowlab.output.run_folder import fill_folder
from flowlab.provenance.diff import diff_runs
from flowlab.provenance.settings_diff import diff_settings, installed_defaults
from flowlab.runner.write_run import RunFiles

CELLS = st.none() | st.booleans() | st.integers(-5, 5) | st.floats(-2, 2) | st.sampled_from("ab")
METRICS = st.dictionaries(st.sampled_from("abc"), CELLS | st.lists(CELLS, max_size=3), max_size=3)
RUNS = st.fixed_dictionaries(
    {
        "nodes": st.dictionaries(st.sampled_from("xyz"), METRICS | st.just("failed"), max_size=3),
        "settings": st.dictionaries(st.sampled_from("kl"), st.integers(0, 2), max_size=2),
        "versions": st.dictionaries(st.sampled_from("tn"), st.sampled_from(["1", "2"]), max_size=2),
        "digest": st.sampled_from(["", "d1", "d2"]),
    }
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


def written(folder: Path, run: dict[str, Any]) -> Path:
    records = [
        failed("analysis", name) if metrics == "failed" else done("analysis", name, metrics=metrics)
        for name, metrics in run["nodes"].items()
    ]
    outcome = outcome_of(*(evolve(record, digest=run["digest"] if record.finished else "") for record in records))
    resolved = {"experiment": {"name": "made"}, "dataset": {"s": {"use": "made-up", **run["settings"]}}}
    environment = evolve(ENVIRONMENT, versions=run["versions"])
    made = RunFiles.of(evolve(graph_of(outcome), resolved=resolved), outcome, environment)
    fill_folder(folder, {"lock.toml": made.lock.to_toml(), **made.content})
    return folder


@settings(max_examples=25, deadline=None)
@given(RUNS)
def test_a_run_and_itself_differ_in_nothing(folder: Path, run: dict[str, Any]) -> None:
    path = written(folder / "a", run)
    assert diff_runs(path, path / "lock.toml").text == "no difference"


@settings(max_examples=25, deadline=None)
@given(RUNS, RUNS)
def test_it_is_antisymmetric(folder: Path, one: dict[str, Any], other: dict[str, Any]) -> None:
    a, b = written(folder / "a", one), written(folder / "b", other)
    there, back = diff_runs(a, b), diff_runs(b, a)
    for part in ("settings", "environment"):
        changes = {(change.name, repr(change.former), repr(change.current)) for change in getattr(there, part)}
        assert changes == {(one.name, repr(one.current), repr(one.former)) for one in getattr(back, part)}
    gaps = {(gap.node, gap.metric): (gap.a, gap.b, gap.difference) for gap in there.metrics}
    mirrored = {
        (gap.node, gap.metric): (gap.b, gap.a, None if gap.difference is None else -gap.difference)
        for gap in back.metrics
    }
    assert {name: repr(gap) for name, gap in _unsigned(gaps)} == {
        name: repr(gap) for name, gap in _unsigned(mirrored)
    }
    assert (there.text == "no difference") == (back.text == "no difference")


def _unsigned(gaps: Any) -> Any:
    """No difference is no difference, whatever its sign."""
    return ((name, (a, b, d if d is None or d else 0)) for name, (a, b, d) in gaps.items())


def test_it_says_what_differs(folder: Path) -> None:
    empty = {"nodes": {}, "settings": {}, "versions": {}, "digest": "d1"}
    first = {**empty, "nodes": {"x": {"a": [1.0, 2.0], "b": 3}, "y": {}}, "settings": {"k": 1}}
    second = {**empty, "nodes": {"x": {"a": [1.5, 4.0], "b": 3}}, "settings": {"k": 2}, "digest": "d2"}
    found = diff_runs(written(folder / "a", first), written(folder / "b", second))
    assert found.text.splitlines() == [
        "settings",
        "  dataset.s.k  1  ->  2",
        "",
        "results",
        "  node        metric           a     b    difference",
        "  analysis.x  a[1] and 1 more  2.0   4.0  2",
        "  analysis.y  status           done  -    -",
        "  analysis.x  digest           d1    d2   -",
    ]
    assert found.data["metrics"][0] == {
        "node": "analysis.x", "metric": "a[0]", "a": 1.0, "b": 1.5, "difference": 0.5,
    }  # fmt: skip


def test_without_a_summary_metrics_are_not_compared(folder: Path) -> None:
    run = {"nodes": {"x": {"a": 1}}, "settings": {}, "versions": {}, "digest": ""}
    a, b = written(folder / "a", run), written(folder / "b", run)
    (b / "summary.json").unlink()
    assert diff_runs(a, b).text == f"metrics are not compared: there is no summary.json of {b / 'lock.toml'}"


def test_two_seeds_differ_in_one_thing(folder: Path) -> None:
    def seeded(name: str, seed: int, failing: bool = False) -> Path:
        metrics = {"a": [0.5 * seed, 2.0], "b": 3 + seed, "same": 1}
        outcome = outcome_of(
            evolve(
                done("analysis", "x", metrics=metrics, shortfall="off" if failing else None), digest=f"d{seed}"
            ),
            evolve(done("analysis", "y", metrics=metrics), digest=f"d{seed}"),
        )
        resolved = {"experiment": {"name": "made", "seed": seed}, "dataset": {"s": {"use": "made-up"}}}
        made = RunFiles.of(evolve(graph_of(outcome), resolved=resolved), outcome, ENVIRONMENT)
        fill_folder(folder / name, {"lock.toml": made.lock.to_toml(), **made.content})
        return folder / name

    difference = diff_runs(seeded("zero", 0), seeded("one", 1))
    assert difference.text.splitlines() == [
        "the seed is the only setting that differs, 0 -> 1: 4 metrics of 2 nodes differ",
        "  --all lists every metric",
    ]
    assert "analysis.y  b" in difference.format_text(all_results=True)
    assert len(difference.data["metrics"]) == 6  # two metrics and a digest a node
    assert "  analysis.x: done -> short" in diff_runs(folder / "zero", seeded("short", 1, True)).text.splitlines()


def test_a_missing_key_with_the_default_is_no_difference() -> None:
    old = {"experiment": {"name": "x", "seed": 0}, "dataset": {"d": {"use": "a"}}}
    new = {
        "experiment": {"name": "x", "seed": 0, "seeds": 1},
        "dataset": {"d": {"use": "a", "size": 3, "on": True}},
    }

    def defaults(kind: str, use: Any) -> dict[str, Any]:
        return {"size": 3, "on": False} if (kind, use) == ("dataset", "a") else {}

    assert list(diff_settings(old, new, defaults=defaults)) == [("dataset.d.on", (None, True))]
    assert list(diff_settings(new, old, defaults=defaults)) == [("dataset.d.on", (True, None))]
    more = {**new, "experiment": {"name": "x", "seed": 0, "seeds": 2}}
    assert ("experiment.seeds", (None, 2)) in list(diff_settings(old, more, defaults=defaults))


def test_defaults_are_those_of_the_installed_components() -> None:
    with_default = {"dataset": {"d": {"use": "orthogonal", "dimension": 4, "points": 5, "samples": 500}}}
    without = {"dataset": {"d": {"use": "orthogonal", "dimension": 4, "points": 5}}}
    default = installed_defaults()("dataset", "orthogonal")["samples"]
    with_default["dataset"]["d"]["samples"] = default
    assert list(diff_settings(with_default, without)) == []
    with_default["dataset"]["d"]["samples"] = default + 1
    assert dict(diff_settings(with_default, without)) == {"dataset.d.samples": (default + 1, None)}


def test_a_narrow_terminal_has_a_table_a_node(folder: Path) -> None:
    empty = {"nodes": {}, "settings": {}, "versions": {}, "digest": "d1"}
    first = {**empty, "nodes": {"x": {"a": [1.0, 2.0], "b": 3}}, "settings": {"k": 1}}
    second = {**empty, "nodes": {"x": {"a": [1.5, 4.0], "b": 4}}, "settings": {"k": 2}}
    difference = diff_runs(written(folder / "a", first), written(folder / "b", second))
    lines = difference.format_text(40).splitlines()
    assert all(len(line) <= 40 for line in lines)
    assert "  analysis.x" in lines
