"""The arguments of a component's `build`, as far as a suite has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

from flowlab.api.fields import references
from flowlab.api.kinds.kind import KINDS


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


@frozen
class UnknownNode:
    """A node of whose value nothing is known before the run."""

    name: str
    value_spec: Any
    component: Any = None
    variant: Mapping[str, Any] = field(factory=dict)
    inputs: Mapping[str, Any] = field(factory=dict)


def assert_stated(component: Any, of: str, **facts: Any) -> None:
    """Assert that what a component states before the run, of inputs of which nothing is known, is so.

    `facts` are the values of fields of the kind's spec, or None where a value is not known.
    """
    state = getattr(component, "value_spec", None)
    if state is None:
        return
    nodes = {}
    for name, reference in references(type(component)).items():
        names = getattr(component, name) or ()
        spec = KINDS[reference.kind].spec
        nodes[name] = tuple(
            UnknownNode(each, spec() if spec else None) for each in ((names,) if isinstance(names, str) else names)
        )
    stated = state(nodes)
    expected = KINDS[of].spec
    assert expected is not None
    assert isinstance(stated, expected), f"value_spec returned {type(stated).__name__}, not {expected.__name__}"
    for name, fact in facts.items():
        claim = getattr(stated, name)
        assert claim is None or fact is None or claim == fact, f"{name} is {fact!r}, not {claim!r} as stated"
