"""A node of the graph: a component with its place in a sweep and its inputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

from flowlab.api import Kind, NodeLabel
from flowlab.api.node_label import SEED
from flowlab.registry.entry_points import Entry


@frozen(eq=False)
class Node:
    """One thing to compute. `variant` holds the swept values it depends on, by path.

    `pinned_seed` is that of its own table, which seeds its draws whatever its name and the experiment's seed are.
    """

    kind: Kind
    name: str
    use: str
    entry: Entry
    component: Any
    variant: Mapping[str, Any]
    inputs: Mapping[str, tuple[Node, ...]]
    pinned_seed: int | None = None
    seed: int | None = field(init=False)  # pinned, or of a sweep over seeds; None where the experiment's counts

    @seed.default
    def _own_seed(self) -> int | None:
        return self.variant.get(SEED) if self.pinned_seed is None else self.pinned_seed

    @property
    def declared(self) -> str:
        """`kind.name`: what it has in common with the other settings of its sweep."""
        return f"{self.kind.name}.{self.name}"

    @property
    def label(self) -> str:
        """The name, with the swept values it depends on in brackets."""
        return str(NodeLabel(self.name, self.variant))

    def given_to(self, other: Node, gathered: bool) -> str | NodeLabel:
        """Its name among another's inputs; where they are gathered, its label, but for a common seed."""
        if not gathered:
            return self.name
        return NodeLabel(self.name, self.variant).without(*((SEED,) if SEED in other.variant else ()))

    @property
    def id(self) -> str:
        """`kind.label`, unique in a graph."""
        return f"{self.kind.name}.{self.label}"
