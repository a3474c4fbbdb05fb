"""The settings that several experiments do not share."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import attrs

from flowlab.api import PluginError
from flowlab.engine.value_diff import are_different, list_differences, side_by_side
from flowlab.registry.registry import Registry
from flowlab.spec.experiment_settings import ExperimentSettings

Defaults = Callable[[str, Any], Mapping[str, Any]]  # of a kind and the component in use, by key
EXPERIMENT = "experiment"


def diff_settings(
    *experiments: Mapping[str, Any], defaults: Defaults | None = None
) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """By `kind.name.key`, with the value of each, None where there is none.

    A node that some lack is named with its component; its keys are compared among those that have it. A key that
    some lack is no difference where all others have its default.
    """
    find_defaults = defaults or installed_defaults()
    for kind, tables in side_by_side(*experiments):
        if kind == EXPERIMENT:
            yield from _differing_keys(EXPERIMENT, tables, lambda _: _field_defaults(ExperimentSettings))
            continue
        for name, nodes in side_by_side(*map(_table, tables)):
            node = f"{kind}.{name}"
            if not all(isinstance(table, dict) for table in nodes):
                yield from list_differences(*({node: _use(table)} for table in nodes))
            yield from _differing_keys(node, nodes, functools.partial(find_defaults, kind))


def installed_defaults() -> Defaults:
    """The defaults of the installed components; a component that can't be loaded has none."""
    registry = Registry.installed()

    def find(kind: str, use: Any) -> Mapping[str, Any]:
        entry = registry.find(kind, use) if isinstance(use, str) else None
        try:
            return _field_defaults(entry.load()) if entry else {}
        except PluginError:
            return {}

    return find


def _differing_keys(
    node: str, tables: Sequence[Any], defaults: Callable[[Any], Mapping[str, Any]]
) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """The keys whose values differ among those that have the node; `defaults` are those of a component in use."""
    present = [table for table in tables if isinstance(table, dict)]
    for key, values in side_by_side(*map(_table, tables)):
        filled = [table[key] if key in table else defaults(table.get("use")).get(key) for table in present]
        if are_different(filled):
            yield f"{node}.{key}", values


def _field_defaults(component: type[Any]) -> dict[str, Any]:
    """The defaults of a class's fields that are plain values."""
    return {
        field.name: field.default
        for field in attrs.fields(component)
        if field.default is not attrs.NOTHING and not isinstance(field.default, attrs.Factory)  # type: ignore[arg-type]
    }


def _table(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _use(table: Any) -> Any:
    """What stands for a table."""
    return table.get("use", "a sweep") if isinstance(table, dict) else table
