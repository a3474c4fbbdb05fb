"""A component in facts: its docstring, its keys, where it is written, and why it can't be used if it can't."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import attrs
from attrs import frozen

from flowlab.api import KINDS, PluginError, Reference, field_spec, key_fields
from flowlab.api.value_types import reference_words, type_words, yielded_types
from flowlab.registry.entry_points import Entry
from flowlab.registry.source import ComponentSource, find_source
from flowlab.registry.static_schema import static_component
from flowlab.spec.experiment_settings import ExperimentSettings
from flowlab.spec.extends import FileSettings
from flowlab.spec.node_settings import NodeSettings, can_be_pinned
from flowlab.spec.structure import field_types
from flowlab.spec.type_names import type_name


@frozen
class KeyFacts:
    """One key of a component's table, in words: `refers` to a kind of node where it is a reference, else empty.

    `default` as it is written in TOML after "= ", or what there is in its place.
    """

    name: str
    type: str
    default: str
    range: str
    unit: str
    help: str
    refers: str = ""


@frozen
class ComponentFacts:
    """What is known of an entry; where it can't be loaded, only what its source shows, and the `fault`."""

    entry: Entry
    doc: str
    keys: tuple[KeyFacts, ...]
    source: ComponentSource
    fault: str = ""
    yields: str = ""  # the class of its value


def component_facts(entry: Entry) -> ComponentFacts:
    """Load a component, or read its source, and describe it."""
    place = find_source(entry)
    component: type[Any] | None
    try:
        component, fault = entry.load(), ""
        hints = field_types(component)
    except PluginError as error:
        component, fault = static_component(place), f"can't be used: {error}"
        hints = getattr(component, "__annotations__", {})
    doc = (inspect.getdoc(component) or "") if component else ""
    keys = [*_keys(component, hints)]
    if component and can_be_pinned(KINDS[entry.kind], component):
        keys += _keys(NodeSettings, field_types(NodeSettings))
    yields = "" if fault or component is None else type_words(yielded_types(component, entry.kind))
    return ComponentFacts(entry, doc, tuple(keys), place, fault, yields)


def setting_facts() -> tuple[KeyFacts, ...]:
    """The keys of [experiment]."""
    return tuple(key for shape in (ExperimentSettings, FileSettings) for key in _keys(shape, field_types(shape)))


def _keys(component: type | None, hints: dict[str, Any]) -> Iterator[KeyFacts]:
    for field in key_fields(component) if component else ():
        spec, default = field_spec(field), _default(field)
        if isinstance(spec, Reference):
            yield KeyFacts(
                field.name, reference_words(component, field.name, spec), default, "", "", spec.help, spec.kind
            )
        else:
            type_words = type_name(hints[field.name])
            yield KeyFacts(field.name, type_words, default, spec.range, spec.unit or "", spec.help)


def _default(attribute: attrs.Attribute[Any]) -> str:
    default: Any = attribute.default
    if default is attrs.NOTHING:
        return "required"
    if isinstance(default, attrs.Factory):  # type: ignore[arg-type]
        return "computed" if default.takes_self else f"= {_toml(default.factory())}"
    return "optional" if default is None else f"= {_toml(default)}"


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(_toml, value))}]"
    return str(value)
