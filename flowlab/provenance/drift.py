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
    known = [str(change) for change in changes if change.former]  # an early lock doesn't have all facts
    return [*known, "the lock has no digests of source code and results"]


def result_drift(locked: LockFile, outcome: Outcome) -> Iterator[Change]:
    """The nodes whose results have another digest than in the lock, or none."""
    now = {record.node.id: record.digest for record in outcome.records}
    for name, node in locked.nodes.items():
        if node.digest and node.digest != now.get(name):
            yield Change(name, node.digest, now.get(name))
