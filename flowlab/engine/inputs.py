"""The inputs of a node: values of the nodes that it refers to, or their metrics, by field."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from flowlab.api import references
from flowlab.graph.node import Node


class Upstream(Protocol):
    """The results of finished nodes."""

    def value(self, node: Node) -> Any:
        """What others receive of the node."""

    def metrics(self, node: Node) -> Mapping[str, Any]:
        """The node's metrics."""


def gather_inputs(node: Node, upstream: Upstream) -> dict[str, Any]:
    """The input of each reference: one, None where an optional one is absent, or several by name.

    Gathered nodes have their settings in their names; others are of the same setting as `node`.
    """
    inputs: dict[str, Any] = {}
    for name, reference in references(type(node.component)).items():
        read: Callable[[Node], Any] = upstream.metrics if reference.metrics else upstream.value
        values = {source.given_to(node, reference.gather): read(source) for source in node.inputs.get(name, ())}
        inputs[name] = values if reference.many else next(iter(values.values()), None)
    return inputs


def upstream_nodes(node: Node) -> tuple[Node, ...]:
    """The nodes referred to by any field."""
    return tuple(source for group in node.inputs.values() for source in group)
