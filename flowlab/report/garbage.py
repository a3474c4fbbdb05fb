"""Stored results that no recent run used, removed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from time import time

from flowlab.api import OutputError
from flowlab.engine.store import Store

_DAY = 86_400.0


def collect(store: Store, keep_days: float, dry_run: bool = False) -> str:
    """Remove the results last used before these days, and tell of the bytes. Raises OutputError.

    With them go damaged files of that age, and what killed runs left behind, once that is a day old: younger, it
    may be a run's at work.
    """
    now = time()
    end = now - keep_days * _DAY
    results, damaged = (list(_sized(paths)) for paths in (store.results(), store.damaged()))
    old = [one for one in [*results, *damaged] if one[2] <= end]
    old += [one for one in _sized(store.left()) if one[2] <= min(end, now - _DAY)]
    if not dry_run:
        for path, _, _ in old:
            _remove(path)
    kept = [one for one in [*results, *damaged] if one[2] > end]
    verb = "would be removed" if dry_run else "removed"
    return f"{store.folder}: {_counted(old)} {verb}, {_counted(kept)} kept"


def _sized(paths: Sequence[Path]) -> Iterator[tuple[Path, int, float]]:
    """The files with their size and when they were last used."""
    for path in paths:
        with suppress(FileNotFoundError):  # another run's, just gone
            state = path.stat()
            yield path, state.st_size, state.st_mtime


def _counted(files: Sequence[tuple[Path, int, float]]) -> str:
    return f"{len(files)} file{'' if len(files) == 1 else 's'} ({sum(size for _, size, _ in files):,} bytes)"


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"{path}: can't be removed: {error.strerror or error}") from error
