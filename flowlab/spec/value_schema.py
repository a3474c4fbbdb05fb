"""A component's field as JSON Schema: the same rules as `structure`, as far as the schema's types go."""

from __future__ import annotations

import math
import types
from collections.abc import Mapping
from typing import Any, Literal, Union, get_args, get_origin

import attrs

from flowlab.api import Parameter, PluginError, Reference, field_spec, key_fields
from flowlab.api.fields import LENGTH, LONGEST, SHORTEST, key_types
from flowlab.api.value_types import reference_words

Schema = dict[str, Any]

_BOUNDS = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum"}
_SCALARS: dict[Any, str] = {bool: "boolean", int: "integer", float: "number", str: "string"}


def table_schema(component: type[Any]) -> dict[str, Schema]:
    """The keys of a component's table. Raises PluginError where its types can't be resolved."""
    try:
        hints = key_types(component)
    except Exception as error:  # an annotation is evaluated, and may be anything
        raise PluginError(f"the types of {component.__qualname__} can't be resolved: {error}") from error
    return {field.name: _field(component, field, hints[field.name]) for field in key_fields(component)}


def required(component: type[Any]) -> list[str]:
    """The keys without a default."""
    return [field.name for field in key_fields(component) if field.default is attrs.NOTHING]


def _field(component: type[Any], field: attrs.Attribute[Any], hint: Any) -> Schema:
    declared = field_spec(field)
    least = int(field.default != ())
    if isinstance(declared, Reference):
        text = f"{declared.help}: the name of a {reference_words(component, field.name, declared)}"
        value = value_schema(hint, {}, least)
        if declared.many:
            value = {"anyOf": [{"type": "string"}, value]}
    else:
        text = f"{declared.help} [{declared.unit}]" if declared.unit else declared.help
        value = value_schema(hint, _bounds(declared), least)
        if declared.pattern:
            value["pattern"] = whole_pattern(declared.pattern.expression)
    return {**({"description": text} if text else {}), **value, **_default(field)}


def value_schema(hint: Any, bounds: Schema, least: int = 1) -> Schema:
    """The values of a type, each number within bounds; a list of any length has at least `least` items."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Literal:
        return {"enum": list(inner)}
    if origin in (Union, types.UnionType):
        choices = [value_schema(item, bounds, least) for item in inner if item is not type(None)]
        return choices[0] if len(choices) == 1 else {"anyOf": choices}
    if origin is tuple and inner[-1] is Ellipsis:
        return {"type": "array", "items": value_schema(inner[0], bounds, 0), "minItems": least}
    if origin is tuple:
        items = [value_schema(item, bounds, 0) for item in inner]
        return {"type": "array", "prefixItems": items, "minItems": len(items), "maxItems": len(items)}
    if origin in (dict, Mapping):
        return {"type": "object"}
    if hint in _SCALARS:
        return {"type": _SCALARS[hint], **(bounds if hint in (int, float) else {})}
    return {}


def whole_pattern(expression: str) -> str:
    """A regular expression that a text matches as a whole: JSON Schema looks for it anywhere."""
    return f"^{expression}$"


def _bounds(declared: Parameter) -> Schema:
    held = {word: getattr(declared, name) for name, word in _BOUNDS.items()}
    bounds: Schema = {word: bound for word, bound in held.items() if bound is not None}
    if declared.unit == LENGTH:
        if declared.is_size:
            bounds["anyOf"] = [{"const": 0}, {"minimum": SHORTEST, "maximum": LONGEST}]
        else:
            bounds |= {"minimum": -LONGEST, "maximum": LONGEST}
    return bounds


def _default(field: attrs.Attribute[Any]) -> Schema:
    """The default as an editor shows it, where there is one to show."""
    default: Any = field.default
    if isinstance(default, attrs.Factory):  # type: ignore[arg-type]
        default = None if default.takes_self else default.factory()
    if default is None or default is attrs.NOTHING or (isinstance(default, float) and not math.isfinite(default)):
        return {}
    return {"default": default}
