"""The arguments of a component's `build`, as far as a suite has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flowlab.api.fields import references


def inputs(component: Any, by_kind: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of `build`: for each reference the value of its kind, None where there is none.

    For a reference to several nodes, a mapping from the names in the component's field.
    """
    arguments: dict[str, Any] = {}
    for name, reference in references(type(component)).items():
        value = by_kind.get(reference.kind)
        names = getattr(component, name)
        arguments[name] = dict.fromkeys(names, value) if reference.many else value
    return arguments
