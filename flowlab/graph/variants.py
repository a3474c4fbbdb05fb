"""The variants of a declaration under the sweeps that touch it, and what they refer to."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import attrs

from flowlab.api import Problem, Reference
from flowlab.api.nearest_name import nearest
from flowlab.graph.declaration import Declaration
from flowlab.spec.document import Document
from flowlab.spec.structure import field_types, referenced_names, structure_component
from flowlab.spec.sweep import Axis


def expand_variants(
    declaration: Declaration, document: Document, axes: tuple[Axis, ...], touching: list[int]
) -> Iterator[tuple[tuple[int, ...], Document]]:
    """The document as a node sees it in each setting of the axes that touch it, by setting indices."""
    for chosen in itertools.product(*(range(len(axes[i].settings)) for i in touching)):
        table = dict(document.data[declaration.kind.name][declaration.name])
        places, starts = dict(document.overridden), dict(document.starts)
        for axis, setting in zip(touching, chosen, strict=True):
            for path, value in axes[axis].settings[setting].items():
                node, _, key = path.rpartition(".")
                if node == declaration.id:
                    table[key] = value
                    places[*declaration.path, key] = document.where("sweep", axes[axis].name, path, value=True)
                    starts.pop((*declaration.path, key), None)
                    if start := document.starts.get(("sweep", axes[axis].name, path)):
                        starts[*declaration.path, key] = start
        varied = _with_table(declaration, document, table, places)
        yield chosen, attrs.evolve(varied, starts=starts)


def _with_table(
    declaration: Declaration, document: Document, table: dict[str, Any], places: dict[tuple[str, ...], str]
) -> Document:
    data = {
        **document.data,
        declaration.kind.name: {**document.data[declaration.kind.name], declaration.name: table},
    }
    return attrs.evolve(document, data=data, overridden=places)


def structure_as_written(declaration: Declaration, document: Document, first: Document) -> Document:
    """The document without sweeps, but for what a node needs and only a sweep gives: that of its first setting."""
    table = dict(document.data[declaration.kind.name][declaration.name])
    places = dict(document.overridden)
    for field in attrs.fields(declaration.component):
        swept = (*declaration.path, field.name)
        if field.default is attrs.NOTHING and field.name not in table and swept in first.overridden:
            table[field.name] = first.data[declaration.kind.name][declaration.name][field.name]
            places[swept] = first.overridden[swept]
    return _with_table(declaration, document, table, places)


def structure_variants(
    declaration: Declaration, variants: Mapping[tuple[int, ...], Document]
) -> tuple[dict[tuple[int, ...], Any], list[Problem]]:
    """A node's component in each of its variants, and what is wrong with them. Raises PluginError."""
    field_types(declaration.component)  # once for all variants: it takes longer than the rest
    components: dict[tuple[int, ...], Any] = {}
    problems: dict[Problem, None] = {}
    for chosen, varied in variants.items():
        component, faults = structure_component(declaration.component, varied, declaration.path)
        problems |= dict.fromkeys(faults)
        if component is not None:
            components[chosen] = component
    return components, list(problems)


def _references(declaration: Declaration, varied: Document) -> Iterator[tuple[str, Reference, tuple[str, ...]]]:
    return referenced_names(declaration.component, varied.data[declaration.kind.name][declaration.name])


def list_edges(declaration: Declaration, variants: Iterable[Document]) -> dict[str, set[Reference]]:
    """The nodes that a declaration refers to, and how."""
    edges: dict[str, set[Reference]] = {}
    for varied in variants:
        for _, reference, names in _references(declaration, varied):
            for name in names:
                edges.setdefault(f"{reference.kind}.{name}", set()).add(reference)
    return edges


def dangling_references(
    declared: Iterable[Declaration], variants: Mapping[str, Mapping[Any, Document]]
) -> Iterable[Problem]:
    """References to nodes that the document doesn't declare."""
    problems: dict[Problem, None] = {}
    for declaration in declared:
        for varied in variants[declaration.id].values():
            for field, reference, names in _references(declaration, varied):
                tables = varied.data.get(reference.kind, {})
                known = list(tables) if isinstance(tables, dict) else []
                for name in names:
                    if name not in known:
                        where = varied.where(*declaration.path, field, value=True, item=name)
                        message = f"{field} = {name!r} names no [{reference.kind}.{name}]"
                        near = nearest(name, known)
                        if known and near is None:
                            message += f"; there are: {', '.join(known)}"
                        problems[Problem(where, message, near)] = None
    return problems
