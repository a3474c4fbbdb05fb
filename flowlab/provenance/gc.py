"""Stored results that no run beside the store needs, removed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from time import time

from flowlab.api import ExperimentError, OutputError
from flowlab.engine.cache.store import Store
from flowlab.output.run_folder import LOCK
from flowlab.provenance.lock_file import LockFile

_DAY = 86_400.0

Sized = tuple[Path, int, float]  # a file, its bytes, and when it was last used


def collect_garbage(store: Store, runs: Path, keep_days: float, delete: bool = False) -> str:
    """What can go, and with `delete` goes: results last used before these days that no lock of the runs names.

    A lock that can't be read, or names no results, may be of any of them: then all are kept. With the results go
    damaged files of that age, and what killed runs left behind. Beside a run at work: what it uses it touches, so
    nothing of less than a day should go. Raises OutputError.
    """
    named, unknown = _marked(runs)
    end = time() - keep_days * _DAY
    results = list(_sized(store.result_files()))
    loose = [] if unknown else [one for one in results if one[0].stem not in named]
    left = list(_sized([*store.damaged_files(), *store.leftovers()]))
    old = [one for one in [*loose, *left] if one[2] <= end]
    if delete:
        old = [one for one in old if _removed(one[0], end)]
    gone = {path for path, _, _ in old}
    kept = [one for one in [*results, *_sized(store.damaged_files())] if one[0] not in gone]
    verb = "removed" if delete else "can go (--delete removes them)"
    return "\n".join([*unknown, f"{store.folder}: {_counted(old)} {verb}, {_counted(kept)} kept"])


def _marked(runs: Path) -> tuple[set[str], list[str]]:
    """The keys in the locks of the runs, and a line for each lock that doesn't tell them."""
    named: set[str] = set()
    unknown = []
    for path in sorted(runs.glob(f"*/{LOCK}")):
        try:
            nodes = LockFile.read(path).nodes
        except ExperimentError as error:
            unknown.append(f"{error}: whatever it needs is kept, so all results are")
            continue
        if not nodes:
            unknown.append(f"{path}: names no results: whatever it needs is kept, so all results are")
        named |= {trace.key for trace in nodes.values() if trace.key}
    return named, unknown


def _sized(paths: Sequence[Path]) -> Iterator[Sized]:
    for path in paths:
        with suppress(FileNotFoundError):  # another run's, just gone
            state = path.stat()
            yield path, state.st_size, state.st_mtime


def _counted(files: Sequence[Sized]) -> str:
    return f"{len(files)} file{'' if len(files) == 1 else 's'} ({sum(size for _, size, _ in files):,} bytes)"


def _removed(path: Path, end: float) -> bool:
    """Remove a file that nobody has used in the meantime."""
    try:
        if path.stat().st_mtime > end:
            return False
        path.unlink()
    except FileNotFoundError:
        return True
    except OSError as error:
        raise OutputError(f"{path}: can't be removed: {error.strerror or error}") from error
    return True
