"""What runs wrote of themselves: their summaries, read back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def entries(folder: Path) -> dict[str, dict[str, Any]]:
    """The summary's entries by node `kind.name`."""
    nodes: dict[str, dict[str, dict[str, Any]]] = json.loads((folder / "summary.json").read_text())["nodes"]
    return {f"{kind}.{name}": entry for kind, group in nodes.items() for name, entry in group.items()}


def statuses(folder: Path) -> dict[str, str]:
    """What became of each node."""
    return {node: entry["status"] for node, entry in entries(folder).items()}


def reused(folder: Path) -> set[str]:
    """The nodes that were taken from the store."""
    return {node for node, entry in entries(folder).items() if entry["reused"]}


def results(folder: Path) -> dict[str, Any]:
    """All that must not depend on when and how a run ran: entries but for time and origin, tables to the byte."""
    timeless = {
        node: {key: value for key, value in entry.items() if key not in ("seconds", "reused")}
        for node, entry in entries(folder).items()
    }
    tables = {path.name: path.read_bytes() for path in sorted((folder / "tables").glob("*"))}
    return {**timeless, **tables}
