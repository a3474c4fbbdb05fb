"""A node of the graph: a component with its place in a sweep and its inputs."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from attrs import evolve, field, frozen

from flowlab.api import Kind, NodeLabel, PluginError, TrainingSetSpec
from flowlab.api.node_label import SEED
from flowlab.registry.entry_points import Entry


@frozen(eq=False)
class Node:
    """One thing to compute. `variant` holds the swept values it depends on, by path.

    `pinned_seed` is that of its own table, which seeds its draws whatever its name and the experiment's seed are.
    `seeds` is the number of seeds of which it shows the first.
    """

    kind: Kind
    name: str
    use: str
    entry: Entry
    component: Any
    variant: Mapping[str, Any]
    inputs: Mapping[str, tuple[Node, ...]]
    pinned_seed: int | None = None
    seeds: int = 1
    seed: int | None = field(init=False)  # pinned, or of a sweep over seeds; None where the experiment's counts

    @seed.default
    def _own_seed(self) -> int | None:
        return self.variant.get(SEED) if self.pinned_seed is None else self.pinned_seed

    @cached_property
    def value_spec(self) -> Any:
        """What is known of its value before the run. Raises PluginError where its component's statement breaks."""
        state = getattr(self.component, "value_spec", None)
        unknown = self.kind.spec
        if state is None:
            return None if unknown is None else unknown()
        try:
            known = state(self.inputs)
            return evolve(known, name=self.label) if isinstance(known, TrainingSetSpec) else known
        except Exception as error:  # a plugin's statement may raise anything
            raise PluginError(
                f"the value_spec of {self.kind.name} {self.use!r} ({self.entry.distribution}) broke: "
                f"{type(error).__name__}: {error}"
            ) from error

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
