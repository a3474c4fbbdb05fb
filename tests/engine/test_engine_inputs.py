"""What a node's work receives of the nodes it refers to."""

from __future__ import annotations

from typing import Any

from attrs import frozen
from engine_nodes import node

from flowlab.api import NodeLabel, Result, reference
from flowlab.engine.inputs import RecordedUpstream, gather_inputs, hide_names
from flowlab.engine.outcome import Record


@frozen
class Reader:
    """Reads others in each of the ways there are."""

    value: str = reference("dataset", help="a value")
    metrics: str = reference("dataset", help="metrics", metrics=True)
    several: tuple[str, ...] = reference("dataset", help="values by name", many=True)
    gathered: tuple[str, ...] = reference(
        "dataset", help="by name and setting", many=True, gather=True, metrics=True
    )
    tool: tuple[str, ...] = reference("schedule", (), help="tools", many=True, metrics=True)


def test_each_reference_takes_what_it_asks_for() -> None:
    few, many = (node("dataset", "a", None, variant={"dataset.a.points": n}) for n in (3, 4))
    tool = node("schedule", "t", object())
    records: dict[Any, Record] = {
        one: Record(one, "done", Result(value, {"points": value})) for one, value in ((few, 3), (many, 4))
    }
    records[tool] = Record(tool, "done")
    reader = node(
        "analysis",
        "reader",
        Reader("a", "a", ("a",), ("a",)),
        {"value": (few,), "metrics": (few,), "several": (few,), "gathered": (few, many), "tool": (tool,)},
    )
    assert gather_inputs(reader, RecordedUpstream(records)) == {
        "value": 3,
        "metrics": {"points": 3},
        "several": {"a": 3},  # in the one setting of the reader: no need to say which
        "gathered": {NodeLabel("a", {"dataset.a.points": n}): {"points": n} for n in (3, 4)},
        "tool": {"t": {}},
    }


def test_a_component_that_is_built_sees_no_name_that_its_key_leaves_out() -> None:
    told = node("analysis", "reader", Reader("a", "b", ("c",), ("d", "e"), ("f",)))
    seen = hide_names(told)
    assert (seen.value, seen.metrics) == ("dataset", "dataset")
    assert (seen.several, seen.gathered, seen.tool) == (("c",), ("d", "e"), ("f",))  # they come with the values
    assert told.component.value == "a"
