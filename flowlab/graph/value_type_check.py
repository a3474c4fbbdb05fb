"""References to nodes whose values are of another class than the component takes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from flowlab.api import PluginError, Problem, references
from flowlab.api.nearest_name import nearest
from flowlab.api.value_types import accepted_types, fits, type_words, yielded_types
from flowlab.graph.node import Node
from flowlab.registry.registry import Registry
from flowlab.spec.document import Document


def find_type_mismatches(nodes: Iterable[Node], document: Document, registry: Registry) -> Iterator[Problem]:
    """One problem for each name of a misfit in the file, with the node of the file that fits best, if any."""
    nodes = list(nodes)
    seen: set[tuple[str, str, str]] = set()
    accepted_by = {component: _accepted(component) for component in {type(node.component) for node in nodes}}
    for node in nodes:
        for field, accepted in accepted_by[type(node.component)].items():
            for source in node.inputs.get(field, ()):
                edge = (node.declared, field, source.name)
                if edge not in seen and not fits(_yielded(source), accepted):
                    seen.add(edge)
                    yield _misfit(node, field, source, accepted, nodes, document, registry)


def _accepted(component: type) -> dict[str, tuple[type, ...]]:
    """The classes that each reference of a component takes."""
    return {
        field: accepted_types(component, field, reference) for field, reference in references(component).items()
    }


def _yielded(node: Node) -> tuple[type, ...]:
    return yielded_types(type(node.component), node.kind.name)


def _misfit(
    node: Node,
    field: str,
    source: Node,
    accepted: tuple[type, ...],
    nodes: Iterable[Node],
    document: Document,
    registry: Registry,
) -> Problem:
    kind = source.kind.name
    fitting = list(
        dict.fromkeys(other.name for other in nodes if other.kind.name == kind and fits(_yielded(other), accepted))
    )
    message = (
        f"{field}: {source.name!r} ({source.use}) yields {type_words(_yielded(source))}, "
        f"but {node.use} takes {type_words(accepted)}"
    )
    near = nearest(source.name, fitting) or (fitting[0] if len(fitting) == 1 else None)
    if fitting and near is None:
        message += f"; there are: {', '.join(fitting)}"
    elif not fitting:
        uses = _fitting_components(kind, accepted, registry)
        message += f"; no {kind} of this file fits" + (
            f", one with use = {' or '.join(uses)} would" if uses else ""
        )
    return Problem(document.where(node.kind.name, node.name, field, value=True, item=source.name), message, near)


def _fitting_components(kind: str, accepted: tuple[type, ...], registry: Registry) -> list[str]:
    """The names of the components of a kind that declare to yield one of the classes, in quotes."""
    uses = []
    for entry in registry.entries:
        if entry.kind == kind:
            try:
                yielded = yielded_types(entry.load(), kind)
            except PluginError:  # it is none to recommend
                continue
            if yielded and fits(yielded, accepted):
                uses.append(f'"{registry.use(entry)}"')
    return uses
