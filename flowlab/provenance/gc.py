"""The results that the runs beside a store need, by their lock files; the others are garbage."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from flowlab.api import ExperimentError
from flowlab.engine.cache.gc import StoredFile, collect
from flowlab.engine.cache.store import Store
from flowlab.output.run_folder import LOCK
from flowlab.provenance.lock_file import LockFile


def collect_garbage(store: Store, runs: Path, keep_days: float, delete: bool = False) -> str:
    """What can go, and with `delete` goes: files last used before these days that no lock file of the runs needs.

    A lock file that can't be read, or names no results, may need any of them: then all are kept. A run at work
    touches what it uses, so that nothing of less than a day should go. Raises OutputError.
    """
    needed, unknown = _needed_keys(runs)
    garbage = collect(store, None if unknown else needed, keep_days, delete)
    verb = "removed" if delete else "can go (--delete removes them)"
    return "\n".join([*unknown, f"{store.folder}: {_count(garbage.removed)} {verb}, {_count(garbage.kept)} kept"])


def _needed_keys(runs: Path) -> tuple[set[str], list[str]]:
    """The keys in the lock files of the runs, and a line for each lock file that doesn't tell them."""
    needed: set[str] = set()
    unknown = []
    for path in sorted(runs.glob(f"*/{LOCK}")):
        try:
            nodes = LockFile.read(path).nodes
        except ExperimentError as error:
            unknown.append(f"{error}: whatever it needs is kept, so all results are")
            continue
        if not nodes:
            unknown.append(f"{path}: names no results: whatever it needs is kept, so all results are")
        needed |= {node.key for node in nodes.values() if node.key}
    return needed, unknown


def _count(files: Sequence[StoredFile]) -> str:
    return f"{len(files)} file{'' if len(files) == 1 else 's'} ({sum(file.size for file in files):,} bytes)"
