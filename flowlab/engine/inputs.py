"""What a node's work receives: the values of the nodes it refers to, or their metrics, by field."""

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
    """What each reference takes, None where an optional one is absent, or a mapping of name to it.

    Gathered nodes have their settings in their names; others stand in the one setting of `node`.
    """
    given: dict[str, Any] = {}
    for name, reference in references(type(node.component)).items():
        taken: Callable[[Node], Any] = upstream.metrics if reference.metrics else upstream.value
        ends = {source.given_to(node, reference.gather): taken(source) for source in node.inputs.get(name, ())}
        given[name] = ends if reference.many else next(iter(ends.values()), None)
    return given


def upstream_nodes(node: Node) -> tuple[Node, ...]:
    """The nodes referred to by any field."""
    return tuple(source for group in node.inputs.values() for source in group)
