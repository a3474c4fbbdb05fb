"""The places of numbers among an analysis's metrics, where its component knows them before the run."""

from __future__ import annotations

import re
from collections.abc import Sequence

from flowlab.api.node_spec import NodeSpec


def known_places(node: NodeSpec) -> tuple[str, ...] | None:
    """What the component's `places(inputs)` says of its numbers: keys joined by dots; None where it says nothing.

    `inputs` are those of its `check`. A `*` stands for any key.
    """
    told = getattr(node.component, "places", None)
    return None if told is None else tuple(told(node.inputs))


def leads_to_one(place: str, places: Sequence[str]) -> bool:
    """Whether a number stands at a place, or several below it."""
    return any(re.fullmatch(_pattern(known), f"{place}.") for known in places)


def _pattern(place: str) -> str:
    """What the place and all above it match, with a dot at the end: `a.b` matches `a.` and `a.b.`."""
    first, *rest = (re.escape(key).replace(r"\*", ".+?") + r"\." for key in place.split("."))
    return first + "".join(f"(?:{key}" for key in rest) + ")?" * len(rest)


def flow_names(node: NodeSpec) -> tuple[str, ...]:
    """The keys of a node's flows among its metrics, those with the settings of a sweep included."""
    return tuple(key for flow in node.inputs.get("flow", ()) for key in (flow.name, f"{flow.name}[*]"))
