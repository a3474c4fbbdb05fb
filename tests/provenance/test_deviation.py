"""What deviates from a record, worst first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from report_nodes import ENVIRONMENT

from flowlab.provenance.deviation import (
    Deviation,
    deviations_beyond_tolerance,
    deviations_table,
    digest_deviations,
)
from flowlab.provenance.lock_file import LockedNode, LockFile
from flowlab.provenance.summary import NodeSummary
from flowlab.spec.document import Document


def locked(files: dict[str, str], **nodes: LockedNode) -> LockFile:
    return LockFile(Path("lock.toml"), "made", "-", ENVIRONMENT, nodes, files, Document("lock.toml", {}, {}, {}))


def test_beyond_tolerance_worst_first() -> None:
    former = {
        "same": NodeSummary("done", {"a": 1.0, "b": True}),
        "near": NodeSummary("done", {"a": 1.0}),
        "off": NodeSummary("done", {"a[0]": 1.0, "a[1]": 1.0, "b": 5}),
        "further": NodeSummary("done", {"a": 1.0, "text": "x"}),
        "failed": NodeSummary("done", {}),
        "gone": NodeSummary("done", {}),
    }
    current = {
        "same": NodeSummary("done", {"a": 1.0, "b": True}),
        "near": NodeSummary("done", {"a": 1.001}),
        "off": NodeSummary("done", {"a[0]": 1.1, "a[1]": 1.2, "b": 5}),
        "further": NodeSummary("done", {"a": 9.0, "text": "x"}),
        "failed": NodeSummary("failed", {}),
    }
    found = deviations_beyond_tolerance(former, current)
    assert [(one.where, one.what) for one in found] == [
        ("failed", "status"),
        ("gone", "status"),
        ("further", "a"),
        ("off", "a[1] and 1 more"),
    ]
    assert deviations_beyond_tolerance(former, former) == []


def test_digests_that_differ_with_their_furthest_metric() -> None:
    past = locked(
        {"tables/t.csv": "1", "summary.json": "1"},
        source=LockedNode("done", None, "a", {}),
        cause=LockedNode("done", None, "a", {"source": "a"}),
        effect=LockedNode("done", None, "a", {"cause": "a"}),
        broken=LockedNode("done", None, "a", {}),
        left=LockedNode("failed", None, None, {}),
    )
    nodes: dict[str, dict[str, Any]] = {
        "source": {"status": "done", "digest": "a"},
        "cause": {"status": "done", "digest": "b", "inputs": {"source": "a"}},
        "effect": {"status": "done", "digest": "b", "inputs": {"cause": "b"}},
        "broken": {"status": "failed"},
        "left": {"status": "failed"},
    }
    lock = {"nodes": nodes, "files": {"tables/t.csv": "2", "summary.json": "2"}}
    was, now = {"effect": NodeSummary("done", {"a": 1.0})}, {"effect": NodeSummary("done", {"a": 1.001})}
    found = digest_deviations(past, lock, was, now)
    assert [(one.where, one.what) for one in found] == [
        ("broken", "status"),
        ("effect", "digest, and those of its inputs"),
        ("effect", "a"),
        ("cause", "digest"),
        ("tables/t.csv", "file"),
    ]
    same = {
        "nodes": {name: {"status": trace.status, "digest": trace.digest} for name, trace in past.nodes.items()}
    }
    assert digest_deviations(past, {**same, "files": past.files}, was, now) == []


def test_what_a_run_left_out_is_not_compared() -> None:
    past = locked({"tables/t.csv": "1"}, later=LockedNode("skipped", None, None, {}))
    lock = {"nodes": {"later": {"status": "done", "digest": "a"}}, "files": {"tables/t.csv": "2"}}
    assert digest_deviations(past, lock, {}, {}) == []


def test_a_table_of_them() -> None:
    lines = deviations_table(
        [Deviation("a", "status", "done", "failed", float("inf")), Deviation("b", "c", "1", "2", 1.5)]
    )
    assert [line.split() for line in lines[1:]] == [
        ["a", "status", "done", "failed", "-"],
        ["b", "c", "1", "2", "1.5"],
    ]
