"""A run's folder belongs to one run at a time."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from flowlab.api import OutputError


@contextmanager
def lock_run_folder(folder: Path) -> Iterator[None]:
    """Keep other runs out of a folder, within. Raises OutputError where another run is at work in it.

    The lock is the operating system's, on the folder itself: it needs no file, and ends with the process. A folder
    that can't be locked, as on some network disks, is used without a lock.
    """
    descriptor = _open(folder)
    try:
        if descriptor is not None:
            _lock(descriptor, folder)
        yield
    finally:
        if descriptor is not None:
            os.close(descriptor)


def _open(folder: Path) -> int | None:
    with suppress(OSError):  # who claims the folder says what is wrong with it
        folder.mkdir(parents=True, exist_ok=True)
        return os.open(folder, os.O_RDONLY)
    return None


def _lock(descriptor: int, folder: Path) -> None:
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        rule = "another run is at work in it: wait for its end, or name another folder with --out"
        raise OutputError(f"{folder}: {rule}") from error
    except OSError:  # a disk without locks
        return
