"""Values of other classes than components declare: of a plugin that declares nothing, or yields something else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flowlab.api import NodeError, Result, references
from flowlab.api.value_types import accepted_types, declared_types, type_words
from flowlab.graph.node import Node


def require_accepted(node: Node, given: Mapping[str, Any]) -> None:
    """Raise NodeError for an input of a class that the node's component does not take."""
    component = type(node.component)
    for field, reference in references(component).items() if given else ():
        accepted = accepted_types(component, field, reference)
        values = given[field] if reference.many else {"": given[field]}
        for label, value in values.items():
            if accepted and value is not None and not isinstance(value, accepted):
                named = f" {label!r}" if label else ""
                raise NodeError(f"{field}{named} is of class {type(value).__name__}, not {type_words(accepted)}")


def require_yielded(node: Node, result: Any) -> None:
    """Raise NodeError for a result that is none, or has a value of another class than the component declares."""
    if not isinstance(result, Result):
        raise NodeError(f"{node.use}: build returned {type(result).__name__}, not Result")
    declared = declared_types(type(node.component))
    if declared and not isinstance(result.value, declared):
        raise NodeError(f"{node.use}: build yielded {type(result.value).__name__}, not {type_words(declared)}")
