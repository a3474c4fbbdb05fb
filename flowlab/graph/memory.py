"""Values that need more memory than the machine has, found before the run."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from flowlab.api import PluginError, Problem
from flowlab.graph.node import Node
from flowlab.spec.document import Document

_CGROUP = Path("/sys/fs/cgroup/memory.max")


def find_oversized(nodes: Iterable[Node], document: Document, available: int | None) -> Iterator[Problem]:
    """One problem for each key for which a component states more bytes than are available.

    A component states in `memory(inputs) -> Mapping[str, int]` the bytes of its largest tensors, by the key to
    lower. Raises PluginError where this breaks.
    """
    seen = set()
    for node in nodes:
        state = getattr(node.component, "memory", None)
        if state is None or available is None:
            continue
        try:
            stated = dict(state(node.inputs))
        except Exception as error:  # a plugin's statement may raise anything
            raise PluginError(
                f"the memory of {node.kind.name} {node.use!r} ({node.entry.distribution}) broke: "
                f"{type(error).__name__}: {error}"
            ) from error
        for key, needed in stated.items():
            if needed > available and (node.declared, key) not in seen:
                seen.add((node.declared, key))
                yield Problem(
                    document.where(node.kind.name, node.name, key),
                    f"{key}: {node.label!r} needs {_words(needed)} of memory for one tensor, and this machine has "
                    f"{_words(available)}",
                )


def machine_memory() -> int | None:
    """The bytes of memory of this machine, or of its control group if that has less; None where neither says."""
    limits = []
    try:
        limits.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
        limits.append(int(_CGROUP.read_text()))
    except (AttributeError, OSError, ValueError):  # no POSIX system, no control group, or "max"
        pass
    return min(limits, default=None)


def _words(count: int) -> str:
    size, units = float(count), iter(("bytes", "KiB", "MiB", "GiB", "TiB", "PiB"))
    unit = next(units)
    while size >= 1024 and (larger := next(units, None)):
        size, unit = size / 1024, larger
    return f"{size:.4g} {unit}"
