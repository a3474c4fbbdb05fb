"""A node of the graph: a component with its place in a sweep and its inputs."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from attrs import evolve, field, frozen

from flowlab.api import Kind, PluginError, TrainingSetSpec
from flowlab.registry.entry_points import Entry
from flowlab.spec.sweep import SEED


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
    seed: int | None = field(init=False)  # its own in a sweep over seeds; None where the experiment's counts

    @seed.default
    def _own_seed(self) -> int | None:
        return self.variant.get(SEED)

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
        return self._labelled(())

    def given_to(self, other: Node, gathered: bool) -> str:
        """Its name among another's inputs: with its settings where they are gathered, but for a common seed."""
        if not gathered:
            return self.name
        return self._labelled((SEED,) if other.seed is not None else ())

    def _labelled(self, without: tuple[str, ...]) -> str:
        keys = [path.rpartition(".")[2] for path in self.variant]
        values = [
            f"{key if path == SEED or (keys.count(key) == 1 and key != 'seed') else path}={value}"
            for key, (path, value) in zip(keys, self.variant.items(), strict=True)
            if path not in without
        ]
        return f"{self.name}[{','.join(values)}]" if values else self.name

    @property
    def id(self) -> str:
        """`kind.label`, unique in a graph."""
        return f"{self.kind.name}.{self.label}"
