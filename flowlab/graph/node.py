"""A node of the graph: a component with its place in a sweep and its inputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import frozen

from flowlab.api import Kind
from flowlab.registry.entry_points import Entry


@frozen(eq=False)
class Node:
    """One thing to compute. `variant` holds the swept values it depends on, by path."""

    kind: Kind
    name: str
    use: str
    entry: Entry
    component: Any
    variant: Mapping[str, Any]
    inputs: Mapping[str, tuple[Node, ...]]

    @property
    def declared(self) -> str:
        """`kind.name`: what it has in common with the other settings of its sweep."""
        return f"{self.kind.name}.{self.name}"

    @property
    def label(self) -> str:
        """The name, with the swept values it depends on in brackets."""
        if not self.variant:
            return self.name
        keys = [path.rpartition(".")[2] for path in self.variant]
        short = [key if keys.count(key) == 1 else path for key, path in zip(keys, self.variant, strict=True)]
        values = (f"{key}={value}" for key, value in zip(short, self.variant.values(), strict=True))
        return f"{self.name}[{','.join(values)}]"

    @property
    def id(self) -> str:
        """`kind.label`, unique in a graph."""
        return f"{self.kind.name}.{self.label}"
