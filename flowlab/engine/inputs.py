"""What a node's work receives: the values of the nodes it refers to, or their metrics, by field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flowlab.api import references
from flowlab.engine.outcome import Record
from flowlab.graph.node import Node


def inputs(node: Node, records: Mapping[Node, Record]) -> dict[str, Any]:
    """What each reference takes, None where an optional one is absent, or a mapping of name to it.

    Gathered nodes have their settings in their names; others stand in the one setting of `node`.
    """
    given: dict[str, Any] = {}
    for name, reference in references(type(node.component)).items():
        ends = {
            source.label if reference.gather else source.name: (
                records[source].metrics if reference.metrics else records[source].value
            )
            for source in node.inputs.get(name, ())
        }
        given[name] = ends if reference.many else next(iter(ends.values()), None)
    return given


def sources(node: Node) -> tuple[Node, ...]:
    """The nodes referred to by any field."""
    return tuple(source for group in node.inputs.values() for source in group)
