"""From a table to a component: strict types, every mistake at once."""

from __future__ import annotations

import math
import types
import typing
from collections.abc import Iterator, Mapping
from typing import Any, Literal, Union, get_args, get_origin

import attrs
import cattrs

from flowlab.api import Parameter, PluginError, Problem, Reference, field_spec
from flowlab.api.nearest import nearest
from flowlab.spec.document import Document


def structure_component(
    component: type[Any], document: Document, path: tuple[str, ...]
) -> tuple[Any, list[Problem]]:
    """The component that the table at `path` declares (its key `use` aside), or None and what is wrong."""
    table = _table(document, path)
    hints = field_types(component)
    fields = {field.name: field for field in attrs.fields(component) if field.init}
    problems = [
        Problem(
            document.where(*path, key),
            f"{key!r} is no parameter of {table['use']!r}",
            nearest(key, fields),
        )
        for key in table
        if key not in fields and key != "use"
    ]
    values = {}
    for name, field in fields.items():
        if name not in table:
            if field.default is attrs.NOTHING:
                problems.append(
                    Problem(document.where(*path), f"{table['use']!r} needs {name!r}: {field_spec(field).help}")
                )
            continue
        value, fault = check_value(field, hints[name], table[name])
        if fault:
            problems.append(Problem(document.where(*path, name, value=True), fault))
        values[field.alias or name] = value
    if problems:
        return None, problems
    try:
        return component(**values), []
    except (TypeError, ValueError) as error:  # a validator of the component's own
        return None, [Problem(document.where(*path), str(error))]


def field_types(component: type[Any]) -> dict[str, Any]:
    """The types of a component's fields. Raises PluginError where they can't be resolved."""
    try:
        return typing.get_type_hints(component)
    except Exception as error:  # an annotation is evaluated, and may be anything
        raise PluginError(f"the types of {component.__qualname__} can't be resolved: {error}") from error


def check_value(field: attrs.Attribute[Any], hint: Any, raw: Any) -> tuple[Any, str | None]:
    """A value as its field takes it, and what is wrong with it, if anything."""
    declared = field_spec(field)
    if isinstance(declared, Reference) and declared.many and isinstance(raw, str):
        raw = [raw]
    try:
        value = _CONVERTER.structure(raw, hint)
    except _Mismatch as error:
        return None, f"{field.name} must be {type_name(hint)}, found {error}"
    if value == () and field.default != ():
        return None, f"{field.name} needs at least one item, found an empty list"
    if isinstance(declared, Parameter) and (rule := declared.broken(value)):
        return None, f"{field.name} must be {rule}, found {raw!r}"
    return value, None


def type_name(hint: Any) -> str:
    """A type in words."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Literal:
        return "one of " + ", ".join(repr(choice) for choice in inner)
    if origin in (Union, types.UnionType):
        return " or ".join(type_name(item) for item in inner if item is not type(None))
    if origin is tuple:
        return f"a list, each item {type_name(inner[0])}"
    names: dict[Any, str] = {int: "an integer", float: "a number", str: "a string", bool: "true or false"}
    return names.get(hint, str(hint))


class _Mismatch(Exception):
    """A value of another type; its text says what was found."""


def _found(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f"the string {value!r}"
    kinds: dict[Any, str] = {list: "a list", dict: "a table"}
    return kinds.get(type(value), repr(value))


def _scalar(value: Any, hint: Any) -> Any:
    if type(value) is int and not -(2**63) <= value < 2**63:
        raise _Mismatch("an integer beyond 64 bits")
    if hint is float and type(value) is int:
        return float(value)
    if type(value) is not hint or (hint is float and not math.isfinite(value)):
        raise _Mismatch(_found(value))
    return value


def _literal(value: Any, hint: Any) -> Any:
    # by type too: 1 == True == 1.0
    if not any(type(value) is type(choice) and value == choice for choice in get_args(hint)):
        raise _Mismatch(_found(value))
    return value


def _union(value: Any, hint: Any) -> Any:
    faults = []
    for item in get_args(hint):
        if item is not type(None):
            try:
                return _CONVERTER.structure(value, item)
            except _Mismatch as error:
                faults.append(error)
    raise faults[-1]


def _tuple(value: Any, hint: Any) -> Any:
    if not isinstance(value, list):
        raise _Mismatch(_found(value))
    kinds = get_args(hint)
    if kinds[-1] is Ellipsis:
        kinds = kinds[:1] * len(value)
    if len(value) != len(kinds):
        raise _Mismatch(f"a list of {len(value)} where {len(kinds)} are needed")
    return tuple(_CONVERTER.structure(item, kind) for item, kind in zip(value, kinds, strict=True))


def _is_literal(hint: Any) -> bool:
    return get_origin(hint) is Literal


def _is_union(hint: Any) -> bool:
    return get_origin(hint) in (Union, types.UnionType)


def _is_tuple(hint: Any) -> bool:
    return get_origin(hint) is tuple


def _converter() -> cattrs.Converter:
    # cattrs coerces by default (3.9 -> 3, "false" -> True, "abc" -> ["a", "b", "c"]): each hook refuses
    converter = cattrs.Converter(detailed_validation=False, forbid_extra_keys=True)
    for scalar in (bool, int, float, str):
        converter.register_structure_hook(scalar, _scalar)
    converter.register_structure_hook_func(_is_literal, _literal)
    converter.register_structure_hook_func(_is_union, _union)
    converter.register_structure_hook_func(_is_tuple, _tuple)
    return converter


_CONVERTER = _converter()


def _table(document: Document, path: tuple[str, ...]) -> dict[str, Any]:
    table: Any = document.data
    for part in path:
        table = table[part]
    return dict(table)


def referenced_names(
    component: type[Any], table: Mapping[str, Any]
) -> Iterator[tuple[str, Reference, tuple[str, ...]]]:
    """The names that a table's references hold, defaults included: (field, reference, names).

    What is no name is left out: the table may have mistakes.
    """
    for field in attrs.fields(component):
        declared = field_spec(field)
        if isinstance(declared, Reference):
            held = table.get(field.name, field.default)
            names = (held,) if isinstance(held, str) else held if isinstance(held, list | tuple) else ()
            yield field.name, declared, tuple(name for name in names if isinstance(name, str))
