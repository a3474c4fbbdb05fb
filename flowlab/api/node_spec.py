"""What the `check` of a component sees of the nodes that it refers to, before anything is computed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol


class NodeSpec(Protocol):
    """A declared node: its component, and the nodes that it refers to itself, by field."""

    @property
    def name(self) -> str:
        """The node's name in the experiment."""

    @property
    def component(self) -> Any:
        """The component with the parameters of the experiment."""

    @property
    def variant(self) -> Mapping[str, Any]:
        """The swept values that it depends on, by path, such as `dataset.box.points`."""

    @property
    def value_spec(self) -> Any:
        """What is known of its value before the run: of the class that its kind has (`TrainingSetSpec`, ...)."""

    @property
    def inputs(self) -> Mapping[str, tuple[NodeSpec, ...]]:
        """The nodes that this one refers to, by field; a single reference is a tuple of one."""
