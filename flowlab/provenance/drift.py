"""What is not as it was when a lock was written: what the run rests on, and what it finds."""

from __future__ import annotations

from collections.abc import Iterator

from flowlab.engine.outcome import Outcome
from flowlab.engine.value_diff import Change, list_changes
from flowlab.provenance.environment import Environment
from flowlab.provenance.lock_file import LockFile


def environment_drift(locked: LockFile, now: Environment) -> list[str]:
    """One line for each version, source code, file read, device and number of threads that differs."""
    changes = list_changes(locked.environment.facts, now.facts)
    if locked.nodes:
        return [str(change) for change in changes]
    told = [str(change) for change in changes if change.former]  # of what it tells
    return [*told, "the lock has no digests of source code and results"]


def result_drift(locked: LockFile, outcome: Outcome) -> Iterator[Change]:
    """The nodes whose results have another digest than in the lock, or none."""
    now = {record.node.id: record.digest for record in outcome.records}
    for node, trace in locked.nodes.items():
        if trace.digest and trace.digest != now.get(node):
            yield Change(node, trace.digest, now.get(node))
