"""The processes that are alive or dead, and waiting for them."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path


def members(session: int, dead: bool = False) -> set[int]:
    """The living processes of a session, or the dead ones that nobody has waited for."""
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # gone meanwhile
            state, _, _, its = stat.read_text().rpartition(")")[2].split()[:4]
            if int(its) == session and (state == "Z") == dead:
                found.add(int(stat.parent.name))
    return found


def workers(session: int) -> list[int]:
    """The processes of an executor in a session."""
    found = []
    for process in members(session):
        with suppress(OSError):
            if b"spawn_main" in Path(f"/proc/{process}/cmdline").read_bytes():
                found.append(process)
    return sorted(found)


def wait_for(what: Callable[[], object], seconds: float = 60.0) -> None:
    """Wait until it is true; fail after so long."""
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)
