"""From a table to an attrs class: strict types, every mistake at once, each with its place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

import attrs

from flowlab.api import KINDS, PluginError, Problem, Reference, field_spec, key_fields
from flowlab.api.fields import key_groups, key_types
from flowlab.api.nearest_name import nearest
from flowlab.spec.converter import TOML, structure
from flowlab.spec.document import Document
from flowlab.spec.file_paths import rebase_paths
from flowlab.spec.node_settings import NODE_SEED, can_be_pinned
from flowlab.spec.structure_errors import Fault, StructureError

T = TypeVar("T")


def structure_component(
    component: type[Any], document: Document, path: tuple[str, ...]
) -> tuple[Any, list[Problem]]:
    """The component that the table at `path` declares, or None and what is wrong.

    Its relative paths start at the document's folder. The keys of `NodeSettings` are no parameters of the
    component, and are left aside.
    """
    kind, name = path
    table = dict(document.data[kind][name])
    if can_be_pinned(KINDS[kind], component):
        table.pop(NODE_SEED, None)
    structured, problems = structure_table(component, table, document, path, repr(table.pop("use")))
    starts = {key: start for (*above, key), start in document.starts.items() if (*above,) == path}
    return (rebase_paths(structured, document.folder, starts) if structured and starts else structured), problems


def structure_table(
    shape: type[T], table: Mapping[str, Any], document: Document, path: tuple[str, ...], title: str
) -> tuple[T | None, list[Problem]]:
    """The table at `path` as an attrs class, or None and what is wrong with it; `title` is its name in errors."""
    try:
        return structure(table, shape, TOML), []
    except StructureError as error:
        return None, [_to_problem(fault, shape, document, path, title) for fault in error.faults]


def field_types(component: type[Any]) -> dict[str, Any]:
    """The types of a component's fields. Raises PluginError where they can't be resolved."""
    try:
        return key_types(component)
    except Exception as error:  # an annotation is evaluated, and may be anything
        raise PluginError(f"the types of {component.__qualname__} can't be resolved: {error}") from error


def _to_problem(fault: Fault, shape: type[Any], document: Document, path: tuple[str, ...], title: str) -> Problem:
    """A fault with its place, and what may have been meant."""
    if len(fault.path) > 1 and fault.path[0] in key_groups(shape):
        fault = attrs.evolve(fault, path=fault.path[1:])
    key = fault.path[-1] if fault.path else ""
    fields = {field.name: field for field in key_fields(shape)}
    match fault.what:
        case "unknown":
            rule = f"{key!r} is no parameter of {title}"
            if key == NODE_SEED and path[0] in KINDS:
                rule += f": no {path[0]} draws by itself, so pin the nodes that use it"
            return Problem(document.where(*path, key), rule, nearest(key, fields))
        case "missing":
            return Problem(document.where(*path), f"{title} needs {key!r}: {field_spec(fields[key]).help}")
        case "together":
            return Problem(document.where(*path), fault.rule)
    return Problem(document.where(*path, *fault.path, value=True), str(fault))


def referenced_names(
    component: type[Any], table: Mapping[str, Any]
) -> Iterator[tuple[str, Reference, tuple[str, ...]]]:
    """The names that a table's references hold, defaults included: (field, reference, names).

    What is no name is left out: the table may have mistakes.
    """
    for field in attrs.fields(component):
        declared = field_spec(field)
        if isinstance(declared, Reference):
            value = table.get(field.name, field.default)
            names = (value,) if isinstance(value, str) else value if isinstance(value, list | tuple) else ()
            yield field.name, declared, tuple(name for name in names if isinstance(name, str))
