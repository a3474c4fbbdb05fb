"""The files that a component reads: those of its path fields, and those that its `reads` names."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import attrs

from flowlab.api.fields import Parameter, field_spec


def path_fields(component: type) -> tuple[str, ...]:
    """The names of the fields that `file_path` declares."""
    declared = {field.name: field_spec(field) for field in attrs.fields(component)}
    return tuple(name for name, spec in declared.items() if isinstance(spec, Parameter) and spec.is_path)


def files_read(component: Any) -> tuple[str, ...]:
    """The files and folders whose content decides a component's result, each once."""
    paths: list[str] = []
    for name in path_fields(type(component)) if attrs.has(type(component)) else ():
        value = getattr(component, name)
        paths += [value] if isinstance(value, str) else value or ()
    if hasattr(component, "reads"):
        paths += component.reads()
    return tuple(dict.fromkeys(map(str, paths)))


if not TYPE_CHECKING:  # a class is Hashable, which mypy does not see
    path_fields = cache(path_fields)
