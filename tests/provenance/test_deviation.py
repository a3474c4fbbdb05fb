"""What deviates from a record, worst first."""

from __future__ import annotations

from flowlab.provenance.deviation import (
    Deviation,
    deviations_beyond_tolerance,
    deviations_table,
    digest_deviations,
)
from flowlab.provenance.lock_content import LockContent, LockedNode, LockedRun
from flowlab.provenance.summary import NodeSummary


def locked(files: dict[str, str], **nodes: LockedNode) -> LockContent:
    run = LockedRun(device="cpu", threads=1, platform="Linux", python="3.11")
    return LockContent(run=run, files=files, nodes=nodes, experiment={})


def test_beyond_tolerance_worst_first() -> None:
    former = {
        "same": NodeSummary(status="done", metrics={"a": 1.0, "b": True}),
        "near": NodeSummary(status="done", metrics={"a": 1.0}),
        "off": NodeSummary(status="done", metrics={"a[0]": 1.0, "a[1]": 1.0, "b": 5}),
        "further": NodeSummary(status="done", metrics={"a": 1.0, "text": "x"}),
        "failed": NodeSummary(status="done", metrics={}),
        "gone": NodeSummary(status="done", metrics={}),
    }
    current = {
        "same": NodeSummary(status="done", metrics={"a": 1.0, "b": True}),
        "near": NodeSummary(status="done", metrics={"a": 1.001}),
        "off": NodeSummary(status="done", metrics={"a[0]": 1.1, "a[1]": 1.2, "b": 5}),
        "further": NodeSummary(status="done", metrics={"a": 9.0, "text": "x"}),
        "failed": NodeSummary(status="failed", metrics={}),
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
    lock = locked(
        {"tables/t.csv": "2", "summary.json": "2"},
        source=LockedNode("done", None, "a", {}),
        cause=LockedNode("done", None, "b", {"source": "a"}),
        effect=LockedNode("done", None, "b", {"cause": "b"}),
        broken=LockedNode("failed"),
        left=LockedNode("failed"),
    )
    was, now = (
        {"effect": NodeSummary(status="done", metrics={"a": 1.0})},
        {"effect": NodeSummary(status="done", metrics={"a": 1.001})},
    )
    found = digest_deviations(past, lock, was, now)
    assert [(one.where, one.what) for one in found] == [
        ("broken", "status"),
        ("effect", "digest, and those of its inputs"),
        ("effect", "a"),
        ("cause", "digest"),
        ("tables/t.csv", "file"),
    ]
    same = {name: LockedNode(node.status, None, node.digest) for name, node in past.nodes.items()}
    assert digest_deviations(past, locked(dict(past.files), **same), was, now) == []


def test_what_a_run_left_out_is_not_compared() -> None:
    past = locked({"tables/t.csv": "1"}, later=LockedNode("skipped", None, None, {}))
    lock = locked({"tables/t.csv": "2"}, later=LockedNode("done", None, "a"))
    assert digest_deviations(past, lock, {}, {}) == []


def test_a_table_of_them() -> None:
    lines = deviations_table(
        [Deviation("a", "status", "done", "failed", float("inf")), Deviation("b", "c", "1", "2", 1.5)]
    )
    assert [line.split() for line in lines[1:]] == [
        ["a", "status", "done", "failed", "-"],
        ["b", "c", "1", "2", "1.5"],
    ]
