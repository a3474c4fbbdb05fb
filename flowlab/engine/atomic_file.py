"""Files that are written as a whole or not at all."""

from __future__ import annotations

import hashlib
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def write_atomically(path: Path, content: bytes, *, outlast_power: bool = True) -> None:
    """Write a file, all at once, and the folder it is in. Raises OSError, and leaves the former file then.

    Without `outlast_power` the disk is not waited for: a process may die at any time, but a power cut may leave a
    torn file, so its reader has to find that out.
    """
    with _temporary_file(path, content, outlast_power) as scratch:
        os.replace(scratch, path)
    if outlast_power and os.name != "nt":  # where a folder can't be opened
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)  # its new name
        finally:
            os.close(folder)


def check_writable(path: Path) -> None:
    """Raise OSError where a file could not be written; leave nothing but the folder it would be in."""
    with _temporary_file(path, b"probe", outlast_power=True):  # some disks refuse only what they are made to write
        pass


@contextmanager
def _temporary_file(path: Path, content: bytes, outlast_power: bool) -> Iterator[Path]:
    """The content under a name of its own beside the path."""
    scratch = temporary_path(path, os.getpid())
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with scratch.open("wb") as stream:
            stream.write(content)
            if outlast_power:
                stream.flush()
                os.fsync(stream.fileno())
        yield scratch
    finally:
        with suppress(OSError):  # what kept it from being written may keep it from being looked for
            scratch.unlink()


def temporary_path(path: Path, process: int) -> Path:
    """Where a process of this machine writes a file before it has its name: folders may be several machines'."""
    machine = hashlib.sha256(platform.node().encode()).hexdigest()[:8]
    return path.with_name(f".{path.name}.{machine}.{process}.tmp")


def remove_leftovers(folder: Path, name: str = "*") -> None:
    """Remove what killed writes of files of such a name left half-done in a folder."""
    for scratch in folder.glob(f".{name}.*.tmp"):
        if not _in_use(scratch):
            with suppress(OSError):
                scratch.unlink()


def _in_use(scratch: Path) -> bool:
    """Whether its process is alive, as far as this machine knows."""
    *parts, _, number, _ = scratch.name.split(".")
    if os.name == "nt" or not number.isdecimal():  # where asking would interrupt it
        return True
    if scratch != temporary_path(scratch.with_name(".".join(parts)[1:]), int(number)):
        return True
    try:
        os.kill(int(number), 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True
