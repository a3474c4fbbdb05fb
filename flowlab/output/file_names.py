"""Names that any file system takes."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

_MAX_BYTES = 200  # of a name, which may grow an ending and the like; file systems take 255


def to_file_name(text: str) -> str:
    """A name that any file system takes and that can't leave its folder; one too long ends in a digest."""
    name = re.sub(r"[^\w.=,+-]+", "_", text).strip("._") or "_"
    if len(name.encode()) <= _MAX_BYTES:
        return name
    cut = name.encode()[: _MAX_BYTES - 13].decode(errors="ignore")
    return f"{cut}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def distinct_names(names: Iterable[str]) -> list[str]:
    """The names, numbered where they would meet on a file system that ignores case."""
    taken: set[str] = set()
    result = []
    for name in names:
        unique, count = name, 1
        while unique.casefold() in taken:
            count += 1
            unique = f"{name}-{count}"
        taken.add(unique.casefold())
        result.append(unique)
    return result
