"""Files that are written as a whole or not at all."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def replace(path: Path, content: bytes) -> None:
    """Write a file, all at once, and the folder it is in. Raises OSError, and leaves the former file then."""
    scratch = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with scratch.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(scratch, path)
    finally:
        scratch.unlink(missing_ok=True)


def scratches(folder: Path) -> tuple[Path, ...]:
    """What a killed write left half-done in a folder, or a write at work has not yet finished."""
    with suppress(OSError):
        return tuple(folder.glob(".*.tmp"))
    return ()
