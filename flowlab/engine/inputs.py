"""What a node's work receives: the values of the nodes it refers to, by field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flowlab.api import references
from flowlab.graph.node import Node


def inputs(node: Node, values: Mapping[Node, Any]) -> dict[str, Any]:
    """The referenced value, None where an optional one is absent, or a mapping of label to value."""
    return {
        name: (
            {source.label: values[source] for source in node.inputs.get(name, ())}
            if reference.many
            else next((values[source] for source in node.inputs.get(name, ())), None)
        )
        for name, reference in references(type(node.component)).items()
    }


def sources(node: Node) -> tuple[Node, ...]:
    """The nodes referred to by any field."""
    return tuple(source for group in node.inputs.values() for source in group)
