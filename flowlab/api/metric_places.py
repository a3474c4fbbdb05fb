"""The places of numbers in the metrics of an analysis, if its component knows them before the run."""

from __future__ import annotations

import re
from collections.abc import Sequence

from flowlab.api.node_spec import NodeSpec


def known_places(node: NodeSpec) -> tuple[str, ...] | None:
    """The places of numbers that the component's `places(inputs)` states; None if it has no such method.

    A place is keys joined by dots, where `*` stands for any key. `inputs` are those of its `check`.
    """
    places = getattr(node.component, "places", None)
    return None if places is None else tuple(places(node.inputs))


def leads_to_one(place: str, places: Sequence[str]) -> bool:
    """Whether there is a number at a place, or several numbers below it."""
    return any(re.fullmatch(_pattern(known), f"{place}.") for known in places)


def _pattern(place: str) -> str:
    """A pattern for a place and all above it, each with a dot at the end: for `a.b` it matches `a.` and `a.b.`."""
    first, *rest = (re.escape(key).replace(r"\*", ".+?") + r"\." for key in place.split("."))
    return first + "".join(f"(?:{key}" for key in rest) + ")?" * len(rest)


def flow_names(node: NodeSpec) -> tuple[str, ...]:
    """The keys of the flows of a node in its metrics: their names."""
    return tuple(flow.name for flow in node.inputs.get("flow", ()))
