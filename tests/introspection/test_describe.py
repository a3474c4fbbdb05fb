"""Finding a component by what a person calls it."""

from __future__ import annotations

import pytest

from flowlab.api import ExperimentError
from flowlab.introspection.describe_component import find_component
from flowlab.registry.entry_points import Entry
from flowlab.registry.registry import Registry

REGISTRY = Registry(
    (
        Entry("flow", "exact", "m:A", "one", "1"),
        Entry("integrator", "exact", "m:B", "one", "1"),
        Entry("dataset", "line", "m:C", "one", "1"),
        Entry("dataset", "line", "m:D", "two", "1"),
    )
)


@pytest.mark.parametrize(("text", "target"), [("flow:exact", "m:A"), ("two:line", "m:D")])
def test_a_qualifier_tells_apart(text: str, target: str) -> None:
    assert find_component(REGISTRY, text).target == target


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("exact", "flow:exact, integrator:exact"),
        ("line", "one:line, two:line"),
        ("figure:exact", "'flow:exact'"),
        ("lime", "'line'"),
        ("flow", "flow: a kind, no component; there are: exact"),
    ],
)
def test_what_is_not_one_component_is_refused_with_a_hint(text: str, hint: str) -> None:
    with pytest.raises(ExperimentError) as caught:
        find_component(REGISTRY, text)
    assert hint in str(caught.value)
