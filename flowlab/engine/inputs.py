"""The inputs of a node: values of the nodes that it refers to, or their metrics, by field; and its files."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol

import attrs
from attrs import frozen

from flowlab.api import NodeLabel, references
from flowlab.api.fields import path_fields
from flowlab.graph.node import Node

if TYPE_CHECKING:
    from flowlab.engine.outcome import Record

_references = cache(references)
_path_fields = cache(path_fields)


class Upstream(Protocol):
    """The results of finished nodes."""

    def value(self, node: Node) -> Any:
        """What others receive of the node."""

    def metrics(self, node: Node) -> Mapping[str, Any]:
        """The node's metrics."""


@frozen
class RecordedUpstream:
    """Results that this process holds."""

    records: Mapping[Node, Record]

    def value(self, node: Node) -> Any:
        """What others receive of the node."""
        return self.records[node].value

    def metrics(self, node: Node) -> Mapping[str, Any]:
        """The node's metrics."""
        return self.records[node].metrics


def gather_inputs(node: Node, upstream: Upstream) -> dict[str, Any]:
    """What each reference takes: a value, None where an optional one is absent, or a mapping of name to value."""
    given: dict[str, Any] = {}
    fields = _references(node.component.__class__)
    for name, sources in named_inputs(node).items():
        take = upstream.metrics if fields[name].metrics else upstream.value
        values = {label: take(source) for label, source in sources.items()}
        given[name] = values if fields[name].many else values.get("")
    return given


def named_inputs(node: Node) -> dict[str, dict[str | NodeLabel, Node]]:
    """The nodes that each reference of a node takes, by the name under which it is handed over; of one alone, "".

    Gathered nodes are named by their labels, with their settings; others are of the same setting as `node`.
    """
    inputs: dict[str, dict[str | NodeLabel, Node]] = {}
    for name, reference in _references(node.component.__class__).items():
        sources = node.inputs.get(name, ())
        if reference.many:
            inputs[name] = {source.given_to(node, reference.gather): source for source in sources}
        else:
            inputs[name] = {"": sources[0]} if sources else {}
    return inputs


def hide_names(node: Node) -> Any:
    """A node's component as it is built: with the kind in place of each single name that it refers to.

    So what a node is made of decides its result, and not what that is called.
    """
    fields = single_references(node.component.__class__)
    hidden = {name: kind for name, kind in fields.items() if getattr(node.component, name) is not None}
    return attrs.evolve(node.component, **hidden) if hidden else node.component


@cache
def single_references(component: type) -> dict[str, str]:
    """The fields of a component that name one node, with its kind; the component is handed that node's value."""
    return {name: reference.kind for name, reference in _references(component).items() if not reference.many}


def upstream_nodes(node: Node) -> tuple[Node, ...]:
    """The nodes referred to by any field."""
    return tuple([source for group in node.inputs.values() for source in group])


def ancestors(node: Node) -> tuple[Node, ...]:
    """Every node that a node is made of, each once, itself excepted."""
    nodes: dict[Node, None] = {}
    stack = [node]
    while stack:
        for group in stack.pop().inputs.values():
            fresh = [source for source in group if source not in nodes]
            nodes |= dict.fromkeys(fresh)
            stack += fresh
    return tuple(nodes)


def files_read(component: Any) -> tuple[str, ...]:
    """The files and folders whose content decides a component's result, each once.

    They are those of its path fields, and those that its `reads` names.
    """
    paths: list[str] = []
    for name in _path_fields(component.__class__) if attrs.has(component.__class__) else ():
        value = getattr(component, name)
        paths += [value] if isinstance(value, str) else value or ()
    if hasattr(component, "reads"):
        paths += component.reads()
    return tuple(dict.fromkeys(map(str, paths)))
