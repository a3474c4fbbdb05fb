"""The installed components as a list. None of them is imported for it."""

from __future__ import annotations

from typing import Any

from flowlab.api import KINDS, ExperimentError, Problem
from flowlab.api.nearest import nearest
from flowlab.registry.entry_points import Entry
from flowlab.registry.registry import Registry
from flowlab.registry.source import source
from flowlab.report.aligned import aligned


def chosen(registry: Registry, kind: str | None) -> list[Entry]:
    """The entries of one kind, or of all in the order of the kinds. Raises ExperimentError."""
    if kind is not None and kind not in KINDS:
        raise ExperimentError([Problem("--kind", f"there is no kind {kind!r}", nearest(kind, KINDS))])
    order = list(KINDS)
    entries = [entry for entry in registry.entries if kind in (None, entry.kind)]
    return sorted(entries, key=lambda entry: (order.index(entry.kind), entry.name))


def catalogue(registry: Registry, kind: str | None) -> str:
    """The components in aligned columns, grouped by kind."""
    rows = [row(entry) for entry in chosen(registry, kind)]
    lines = aligned([(item["name"], item["package"], item["summary"]) for item in rows], indent=2)
    text: list[str] = []
    group = None
    for item, line in zip(rows, lines, strict=True):
        if item["kind"] != group:
            group = item["kind"]
            text += ["", f"{group}: {KINDS[group].help}"]
        text.append(line)
    return "\n".join(text[1:])


def listing(registry: Registry, kind: str | None) -> list[dict[str, Any]]:
    """The components for a program to read."""
    return [row(entry) for entry in chosen(registry, kind)]


def row(entry: Entry) -> dict[str, str]:
    """One component."""
    return {
        "kind": entry.kind,
        "name": entry.name,
        "summary": source(entry).summary or "",
        "package": f"{entry.distribution} {entry.version}",
        "target": entry.target,
    }
