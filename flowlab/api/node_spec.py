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
        """The swept values that the node depends on, by path."""

    @property
    def inputs(self) -> Mapping[str, tuple[NodeSpec, ...]]:
        """The nodes that this one refers to, by field; a single reference is a tuple of one."""
