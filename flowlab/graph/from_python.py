"""Components built in Python as the tables of a document; a place is a path such as `dataset.box.points`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

import attrs

from flowlab.api import KINDS, ExperimentError, Problem, Reference, field_spec
from flowlab.api.fields import key_groups
from flowlab.api.nearest_name import nearest
from flowlab.registry.naming import entries_of_class
from flowlab.registry.registry import Registry
from flowlab.spec.document import Document
from flowlab.spec.node_settings import NODE_SEED, can_be_pinned

NAME = "<python>"


def to_document(
    experiment: Mapping[str, Any],
    nodes: Mapping[str, Any],
    sweeps: Mapping[str, Any],
    registry: Registry,
    node_seeds: Mapping[str, Any] = MappingProxyType({}),
) -> Document:
    """The document that says the same. Raises ExperimentError for nodes that no file can name."""
    data: dict[str, Any] = {"experiment": dict(experiment)}
    problems = []
    for node, component in nodes.items():
        kind, _, name = node.partition(".")
        use = _use(node, kind, component, registry)
        if isinstance(use, Problem):
            problems.append(use)
        else:
            table = data.setdefault(kind, {})[name] = {"use": use, **to_table(component)}
            if node in node_seeds:
                problems += _pin(node, component, table, node_seeds[node])
    for node in node_seeds.keys() - nodes.keys():
        problems.append(Problem(f"node_seeds.{node}", f"there is no node {node!r}", nearest(node, nodes)))
    if problems:
        raise ExperimentError(problems)
    if sweeps:
        data["sweep"] = to_plain(sweeps)
    return Document(NAME, data, {}, {path: ".".join(path) for path in _paths(data, ())})


def to_table(component: Any, shape: type | None = None) -> dict[str, Any]:
    """The keys that differ from their defaults, as TOML holds them: a component's, or only those of `shape`."""
    table: dict[str, Any] = {}
    groups = key_groups(shape or type(component))
    for field in attrs.fields(shape or type(component)):
        value = getattr(component, field.name)
        if field.name in groups:
            table |= to_table(value)
            continue
        declared = field_spec(field)
        if isinstance(declared, Reference) and declared.many and isinstance(value, str):
            value = (value,)
        # by their text: 1 == 1.0 == True, 0.0 == -0.0
        if field.init and repr(value) != repr(field.default):
            table[field.name] = to_plain(value)
    return table


def to_plain(value: Any) -> Any:
    """Tuples as lists, mappings as dicts, all else as it is."""
    if isinstance(value, Mapping):
        return {key: to_plain(item) for key, item in value.items()}
    return [to_plain(item) for item in value] if isinstance(value, tuple | list) else value


def _pin(node: str, component: Any, table: dict[str, Any], seed: Any) -> Iterator[Problem]:
    """Give a node's table its seed, where it can have one."""
    kind = KINDS[node.partition(".")[0]]
    if can_be_pinned(kind, type(component)):
        table[NODE_SEED] = seed
    elif kind.built:
        yield Problem(f"node_seeds.{node}", "the component has a parameter `seed` of its own: set that one")
    else:
        yield Problem(f"node_seeds.{node}", f"no {kind.name} draws by itself, so pin the nodes that use it")


def _use(node: str, kind: str, component: Any, registry: Registry) -> str | Problem:
    if kind not in KINDS:
        return Problem(node, f'expected "kind.name", found the kind {kind!r}', nearest(kind, KINDS))
    if isinstance(component, type) or not attrs.has(type(component)):
        return Problem(node, f"expected a component, found {component!r}")
    entries = entries_of_class(registry, type(component))
    for entry in entries:
        if entry.kind == kind:
            return registry.use(entry)
    name = type(component).__qualname__
    if entries:
        return Problem(node, f"{name} is no {kind}: it is the {entries[0].kind} {entries[0].name!r}")
    return Problem(node, f"no installed distribution registers {name} as a {kind}")


def _paths(data: Mapping[str, Any], above: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for key, value in data.items():
        yield (*above, key)
        if isinstance(value, Mapping):
            yield from _paths(value, (*above, key))
