"""A lock, written and read back."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

import pytest
import tomli
import tomli_w
from attrs import evolve, frozen
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure
from report_nodes import ENVIRONMENT, done, failed, graph_of, outcome_of

from flowlab.api import ClaimResult, ExperimentError, Table
from flowlab.engine.value_diff import list_changes
from flowlab.output.run_folder import claim_folder
from flowlab.provenance.environment import Environment
from flowlab.provenance.former_keys import rename_former_keys
from flowlab.provenance.lock_content import FORMAT, LockContent, LockedNode, checksum
from flowlab.provenance.lock_file import LockFile
from flowlab.provenance.summary import NodeSummary, RunSummary
from flowlab.runner.write_run import write_run
from flowlab.spec.document import parse_document


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run of a dataset, a denoiser on it that failed, and a figure."""
    source = evolve(done("dataset", "x", tables={"t": Table({"a": [1]})}), key="k" * 64, digest="d" * 64)
    fault = failed("denoiser", "y")
    fault = evolve(fault, node=evolve(fault.node, inputs={"dataset": (source.node,)}))
    outcome = outcome_of(source, fault, done("figure", "f", value=Figure()))
    folder = tmp_path_factory.mktemp("run")
    claim_folder(folder)
    write_run(graph_of(outcome), outcome, ENVIRONMENT, folder)
    return folder


def test_it_says_what_ran_and_what_came_of_it(run: Path) -> None:
    content = tomli.loads((run / "lock.toml").read_text())
    assert content["experiment"] == {"experiment": {"name": "made", "seed": 7}}
    assert content["nodes"] == {
        "dataset.x": {"status": "done", "key": "k" * 64, "digest": "d" * 64},
        "denoiser.y": {"status": "failed", "inputs": {"dataset.x": "d" * 64}},
        "figure.f": {"status": "done"},
    }
    assert {"seed", "dtype", "device", "threads", "date", "platform", "python"} <= set(content["run"])


def test_every_file_but_the_page_has_its_digest_in_it(run: Path) -> None:
    named = tomli.loads((run / "lock.toml").read_text())["files"]
    written = {path.relative_to(run).as_posix(): path for path in run.rglob("*") if path.is_file()}
    assert set(named) == set(written) - {"lock.toml", "report.html"}
    for name, digest in named.items():
        assert hashlib.sha256(written[name].read_bytes()).hexdigest() == digest


def test_it_reads_back(run: Path) -> None:
    locked = LockFile.read(run)
    assert locked == LockFile.read(run / "lock.toml")
    assert locked.environment == ENVIRONMENT
    assert locked.nodes["denoiser.y"] == LockedNode("failed", None, None, {"dataset.x": "d" * 64})
    locked.check_files()
    summary = locked.require_summary()
    assert summary == locked.summary()
    assert (summary.built_nodes["dataset.x"].status, summary.built_nodes["dataset.x"].seconds) == ("done", 0.5)
    assert list(summary.of_kind("figure")) == ["f"]


def test_places_in_its_experiment_are_places_in_the_lock(run: Path) -> None:
    line = (run / "lock.toml").read_text().split("\n").index('name = "made"') + 1
    assert LockFile.read(run).experiment.where("experiment", "name") == f"{run / 'lock.toml'}:{line}:1"


def test_an_early_lock_is_read(tmp_path: Path) -> None:
    early = tmp_path / "early.toml"
    early.write_text(
        '[run]\ndevice = "cpu"\nthreads = 1\nplatform = "Linux"\npython = "3.11"\nfiles = []\n'
        '[versions]\ntorch = "2"\n[experiment.experiment]\nname = "e"\n'
    )
    locked = LockFile.read(early)
    assert (locked.name, locked.nodes, locked.files, locked.summary()) == ("e", {}, {}, None)
    assert locked.experiment.data == {"experiment": {"name": "e"}}


def test_the_origin_is_of_what_is_used() -> None:
    environment = Environment.now(graph_of(outcome_of(done("dataset", "x"))), "cpu")
    assert environment.versions["made"] == "1.0"
    assert {"flowlab", "torch", "numpy"} <= set(environment.versions)
    assert set(environment.sources) == {"flowlab", "made"}
    assert re.fullmatch("[0-9a-f]{64}", environment.sources["flowlab"])


def test_the_origin_has_the_content_of_files_that_are_read(tmp_path: Path) -> None:
    @frozen
    class Reader:
        def reads(self) -> tuple[str, ...]:
            return (str(tmp_path / "points.csv"), str(tmp_path / "none"))

    record = done("dataset", "x")
    graph = graph_of(outcome_of(evolve(record, node=evolve(record.node, component=Reader()))))
    facts = []
    for content in ("1", "2"):
        (tmp_path / "points.csv").write_text(content)
        facts.append(Environment.now(graph, "cpu").facts)
    assert [change.name for change in list_changes(*facts)] == [f"content of {tmp_path / 'points.csv'}"]


@settings(deadline=None)
@given(st.data())
def test_a_damaged_lock_is_refused_or_says_the_same(run: Path, data: st.DataObject) -> None:
    whole = (run / "lock.toml").read_bytes()
    at = data.draw(st.integers(0, len(whole) - 1))
    byte = data.draw(st.integers(0, 255))
    damaged = run / "damaged.toml"
    for content in (whole[:at], whole[:at] + bytes([byte]) + whole[at + 1 :]):
        damaged.write_bytes(content)
        try:
            LockFile.read(damaged)
        except ExperimentError:
            continue
        assert tomli.loads(content.decode()) == tomli.loads(whole.decode())
    damaged.unlink()


@pytest.mark.parametrize(
    ("table", "key", "value", "rule"),
    [
        ("run", "threads", 0, "run.threads must be >= 1 and <= 1024, found 0"),
        ("run", "threads", 10**9, "run.threads must be >= 1 and <= 1024, found 1000000000"),
        ("run", "threads", True, "run.threads must be an integer, found true"),
        ("run", "device", "abacus", "run.device must be one of 'cpu', 'cuda', found the string 'abacus'"),
        ("run", "python", 3.11, "run.python must be a string, found 3.11"),
        ("versions", "torch", 2, "versions.torch must be a string, found 2"),
        ("nodes", "dataset.x", "done", "nodes.dataset.x must be a table, found the string 'done'"),
        ("nodes", "dataset.x", {}, "nodes.dataset.x.status is missing"),
        ("nodes", "dataset.x", {"status": "done", "inputs": {"a": 1}}, "inputs.a must be a string, found 1"),
    ],
)
def test_values_of_another_type(run: Path, tmp_path: Path, table: str, key: str, value: Any, rule: str) -> None:
    content = tomli.loads((run / "lock.toml").read_text())
    content[table][key] = value
    forged = tmp_path / "forged.toml"
    forged.write_text(tomli_w.dumps({**content, "sha256": checksum(content)}))
    with pytest.raises(ExperimentError, match=re.escape(rule)):
        LockFile.read(forged)


def test_an_experiment_without_a_name(run: Path, tmp_path: Path) -> None:
    content = tomli.loads((run / "lock.toml").read_text())
    for experiment, rule in (
        ({}, "experiment.experiment.name must be a string"),
        ({"name": 1}, "must be a string, found 1"),
    ):
        content["experiment"] = {"experiment": experiment} if experiment else {}
        (tmp_path / "lock.toml").write_text(tomli_w.dumps({**content, "sha256": checksum(content)}))
        with pytest.raises(ExperimentError, match=rule):
            LockFile.read(tmp_path)


@pytest.mark.parametrize("table", ["run", "experiment"])
def test_a_table_that_is_missing(run: Path, tmp_path: Path, table: str) -> None:
    content = tomli.loads((run / "lock.toml").read_text())
    del content[table]
    (tmp_path / "lock.toml").write_text(tomli_w.dumps({**content, "sha256": checksum(content)}))
    with pytest.raises(ExperimentError, match=f"{table} is missing"):
        LockFile.read(tmp_path)


def test_all_mistakes_of_a_lock_at_once_with_their_places(run: Path, tmp_path: Path) -> None:
    content = tomli.loads((run / "lock.toml").read_text())
    content["run"] |= {"threads": 0, "python": 3}
    content["versions"]["torch"] = 2
    forged = tmp_path / "forged.toml"
    forged.write_text(tomli_w.dumps({**content, "sha256": checksum(content)}))
    with pytest.raises(ExperimentError) as caught:
        LockFile.read(forged)
    lines = forged.read_text().split("\n")
    places = {
        "run.threads must be": (lines.index("threads = 0") + 1, 11),
        "run.python must be": (lines.index("python = 3") + 1, 10),
        "versions.torch must be": (lines.index("torch = 2") + 1, 9),
    }
    problems = [(problem.where, problem.message) for problem in caught.value.problems]
    assert len(problems) == len(places)
    for (where, message), (rule, (line, column)) in zip(problems, places.items(), strict=True):
        assert where == f"{forged}:{line}:{column}"
        assert message.startswith(rule)


@pytest.mark.parametrize("number", [FORMAT + 1, 0, -1, "1", 1.0, True])
def test_a_lock_of_another_format_names_the_version_that_reads_it(run: Path, tmp_path: Path, number: Any) -> None:
    content = {**tomli.loads((run / "lock.toml").read_text()), "format": number, "sha256": "of another kind"}
    (tmp_path / "lock.toml").write_text(tomli_w.dumps(content))
    with pytest.raises(ExperimentError) as caught:
        LockFile.read(tmp_path)
    (problem,) = caught.value.problems
    assert problem.where.startswith(f"{tmp_path / 'lock.toml'}:")
    assert problem.message == (
        f"a lock of format {number!r}, and this flowlab reads formats up to {FORMAT}: "
        "use flowlab 0.1.0, which wrote it"
    )


def test_a_lock_without_a_format_has_the_first(run: Path, tmp_path: Path) -> None:
    content = tomli.loads((run / "lock.toml").read_text())
    assert content.pop("format") == FORMAT == 1
    (tmp_path / "lock.toml").write_text(tomli_w.dumps({**content, "sha256": checksum(content)}))
    assert LockFile.read(tmp_path).content == LockFile.read(run).content


def test_a_summary_is_written_and_read_back() -> None:
    claim = ClaimResult("c", "Section 1", ours=(0.5, float("nan")), ours_intervals=((0.4, 0.6), (0.0, 1.0)))
    metrics = {"a": [1, 2.0, None], "b": {"c": "x"}, "d": True}
    outcome = outcome_of(
        done("dataset", "x", {"dataset.x.points": 3}, metrics=metrics), done("analysis", "c", value=claim)
    )
    summary = RunSummary.of(graph_of(outcome), outcome)
    again = RunSummary.parse(Path("summary.json"), summary.to_json())
    assert repr(again) == repr(summary)  # by their text: nan is no nan


@pytest.mark.parametrize("name", ["none", "x" * 300, "nul\0", "folder"])
def test_where_no_run_is(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(ExperimentError) as told:
        LockFile.read(tmp_path / name)
    (problem,) = told.value.problems
    assert problem.where == str(tmp_path / name)
    assert problem.message.startswith("expected the folder of a finished run, with lock.toml and summary.json")


def test_an_item_of_a_list_is_known_from_the_setting_of_a_sweep() -> None:
    metrics = {"a[0]": 1.0, "a[1]": 2.0, "b[0][1]": 3, "pf[points=2].interior": 4, "c": None}
    lists = {"a": [1.0, 2.0], "b": [3], "pf[points=2].interior": 4, "c": None}
    assert NodeSummary(status="done", metrics=metrics).lists == lists


def test_the_seal_is_of_what_is_said(run: Path) -> None:
    outcome = outcome_of(done("dataset", "x"))
    text = LockContent.of(graph_of(outcome), outcome, ENVIRONMENT, {}).to_toml().decode()
    assert checksum(tomli.loads(text.replace("\n", "\r\n"))) == tomli.loads(text)["sha256"]


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"{", "not valid JSON"),
        (b"\xff", "not UTF-8"),
        (b"[]", "no summary of a run"),
        (b'{"nodes": {"a": 1}}', "no summary of a run"),
        (b'{"nodes": {"a": {"b": {"status": 1, "metrics": {}}}}}', "nodes.a.b.status must be one of .*, found 1"),
        (
            b'{"nodes": {"a": {"b": {"status": "done", "metrics": {}, "variant": 1}}}}',
            "nodes.a.b.variant must be a table, found 1",
        ),
        (
            b'{"nodes": {"a": {"b": {"status": "done", "metrics": {}, "seconds": "1"}}}}',
            "nodes.a.b.seconds must be a number, found the string '1'",
        ),
        (
            b'{"nodes": {"a": {"b": {"status": "done", "metrics": {}, "reused": 0}}}}',
            "nodes.a.b.reused must be true or false, found 0",
        ),
        (b'{"nodes": {}, "claims": [1]}', "no summary of a run"),
        (b'{"nodes": {}, "claims": 1}', "no summary of a run"),
        (b'{"nodes": {}, "claims": [{"claim": "x", "verdict": "perhaps"}]}', "no summary of a run"),
        (b'{"nodes": {"a": {"b": {"status": "done", "metrics": {"c": NaN}}}}}', "not readable"),
        (b'{"nodes": {"a": {"b": {"status": "done", "metrics": {"c": 1e999}}}}}', "not readable"),
        (b"[" * 100_000, "not readable"),
        (b"1" * 5_000, "not readable"),
    ],
)
def test_a_summary_that_no_run_wrote(tmp_path: Path, content: bytes, rule: str) -> None:
    text = (
        '[run]\ndevice = "cpu"\nthreads = 1\nplatform = "Linux"\npython = "3.11"\n'
        '[experiment.experiment]\nname = "e"\n'
    )
    (tmp_path / "lock.toml").write_text(text)  # early: it holds no digest of the summary
    (tmp_path / "summary.json").write_bytes(content)
    with pytest.raises(ExperimentError, match=rule):
        LockFile.read(tmp_path).require_summary()


@pytest.mark.parametrize(
    ("table", "today"),
    [
        ({"scale": "log", "axis": "N"}, {"xscale": "log", "xlabel": "N"}),
        ({"scale": "linear", "xscale": "log"}, {"xscale": "log"}),
        ({"xlabel": "N"}, {"xlabel": "N"}),
    ],
)
def test_former_keys_of_a_lock_have_their_names_of_today(table: dict[str, str], today: dict[str, str]) -> None:
    figures = {"f": {"use": "fractions-over-sweep", **table}, "g": {"use": "plane", **table}}
    text = tomli_w.dumps({"figure": figures})
    renamed = rename_former_keys(parse_document("lock", text.encode()))
    assert renamed.data["figure"]["f"] == {"use": "fractions-over-sweep", **today}
    assert renamed.data["figure"]["g"] == figures["g"]
    lines = text.splitlines()
    for key, value in today.items():
        _, line, _ = renamed.where("figure", "f", key).split(":")
        assert value in lines[int(line) - 1]
