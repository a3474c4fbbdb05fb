"""Which classes can be stored field by field, and built again from their fields."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import attrs


def stored_fields(cls: type) -> dict[str, str] | None:
    """The fields of a class that a result cache can store: the constructor's argument by attribute.

    It is an attrs class at the top level of its module, whose constructor takes every field as it is: none is left
    out (`init=False`), converted, or set by a constructor of the author's own. None for any other class.
    """
    if (
        not isinstance(cls, type)
        or not attrs.has(cls)
        or "." in cls.__qualname__
        or hasattr(cls, "__attrs_init__")
    ):
        return None
    fields = attrs.fields(cls)
    if not all(field.init and field.converter is None for field in fields):
        return None
    return {field.name: field.alias or field.name for field in fields}


if not TYPE_CHECKING:  # a class is Hashable, which mypy does not see
    stored_fields = cache(stored_fields)
