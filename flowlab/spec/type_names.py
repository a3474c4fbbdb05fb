"""Types and values in words, as errors and descriptions have them."""

from __future__ import annotations

import types
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, Union, get_args, get_origin

import attrs

SCALARS: dict[Any, str] = {
    int: "an integer",
    float: "a number",
    str: "a string",
    bool: "true or false",
    datetime: "a date with its time",
}
_LONGEST_VALUE = 60  # characters of a value that an error shows


def type_name(hint: Any) -> str:
    """A type in words."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Literal:
        return "one of " + ", ".join(repr(choice) for choice in inner)
    if origin in (Union, types.UnionType):
        return " or ".join(type_name(item) for item in inner if item is not type(None))
    if origin in (tuple, list):
        return f"a list, each item {type_name(inner[0])}"
    if origin in (dict, Mapping) or (isinstance(hint, type) and attrs.has(hint)):
        return "a table"
    return SCALARS.get(hint, str(hint))


def describe_value(value: Any) -> str:
    """What was found in place of another value, in words."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | dict):
        return "a list" if isinstance(value, list) else "a table"
    text = f"the string {value!r}" if isinstance(value, str) else repr(value)
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 3]}..."
