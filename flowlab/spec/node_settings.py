"""The keys that the table of a computed node may have, whatever its component."""

from __future__ import annotations

from typing import Any

import attrs
from attrs import frozen

from flowlab.api import Kind, parameter

NODE_SEED = "seed"


@frozen(kw_only=True)
class NodeSettings:
    """What a computed node is told besides its component's parameters."""

    seed: int | None = parameter(
        None,
        help="pins its draws: they then depend on this seed, not on the experiment's or the node's name",
        ge=0,
    )


def can_be_pinned(kind: Kind, component: type[Any]) -> bool:
    """Whether `seed` pins a node: a component's own parameter of that name goes before it."""
    return kind.built and all(field.name != NODE_SEED for field in attrs.fields(component))
