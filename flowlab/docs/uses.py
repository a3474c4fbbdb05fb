"""Which experiments use a component: of those that lie where a distribution does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import tomli
import tomli_w
from attrs import frozen

from flowlab.api import KINDS
from flowlab.registry.entry_points import Entry
from flowlab.registry.registry import Registry


@frozen
class Use:
    """A node of an experiment: the file within its distribution's folder, the node's name and its table."""

    file: str
    kind: str
    name: str
    table: Mapping[str, Any]

    @property
    def toml(self) -> str:
        """The node as it is written, but for comments."""
        return tomli_w.dumps({self.kind: {self.name: self.table}})


def find_uses(registry: Registry) -> dict[Entry, list[Use]]:
    """The nodes of each component, by file; a file that is no experiment, or can't be read, has none."""
    uses: dict[Entry, list[Use]] = {}
    for root in sorted({Path(distribution.root) for distribution in registry.distributions}):
        for file in sorted([*root.glob("*.toml"), *root.glob("experiments/*.toml")]):
            for use in _nodes(file, file.relative_to(root).as_posix()):
                entry = registry.find(use.kind, use.table["use"])
                if entry:
                    uses.setdefault(entry, []).append(use)
    return uses


def _nodes(file: Path, name: str) -> Iterator[Use]:
    try:
        content = tomli.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return
    for kind in KINDS if isinstance(content.get("experiment"), dict) else ():
        nodes = content.get(kind)
        for node, table in nodes.items() if isinstance(nodes, dict) else ():
            if isinstance(table, dict) and isinstance(table.get("use"), str):
                yield Use(file=name, kind=kind, name=node, table=table)
