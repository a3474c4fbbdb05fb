"""Nodes as a result cache sees them: of a package, with ancestors."""

from __future__ import annotations

from flowlab.api import KINDS
from flowlab.graph.node import Node
from flowlab.registry.entry_points import Entry


def made_by(package: str, *ancestors: Node) -> Node:
    """A node whose component is in a package."""
    entry = Entry("analysis", "made-up", f"{package}.component:Made", package, "1.0")
    return Node(KINDS["analysis"], "a", "made-up", entry, None, {}, {"dataset": ancestors})
