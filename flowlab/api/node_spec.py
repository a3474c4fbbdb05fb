"""What a component's `check` sees of the nodes it refers to, before anything is computed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol


class NodeSpec(Protocol):
    """A declared node: its component, and the nodes it refers to in turn, by field."""

    @property
    def name(self) -> str:
        """The node's name in the experiment."""

    @property
    def component(self) -> Any:
        """The component as declared."""

    @property
    def inputs(self) -> Mapping[str, tuple[NodeSpec, ...]]:
        """The nodes referred to, by field; a single reference is a tuple of one."""
