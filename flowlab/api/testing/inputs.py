"""The nodes that a component refers to, as far as a suite can give them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flowlab.api.fields import references


def inputs(component: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    """What `build` receives: what is given for each reference's kind, None where nothing is.

    Of several nodes a mapping from the names in the component's field.
    """
    received: dict[str, Any] = {}
    for name, reference in references(type(component)).items():
        value = given.get(reference.kind)
        named = getattr(component, name)
        received[name] = dict.fromkeys(named, value) if reference.many else value
    return received
