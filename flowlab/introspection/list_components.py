"""The installed components as a list. None of them is imported for it."""

from __future__ import annotations

from typing import Any

from flowlab.api import KINDS, ExperimentError, Problem
from flowlab.api.nearest_name import nearest
from flowlab.output.text_table import align_columns
from flowlab.registry.distributions import Distribution
from flowlab.registry.entry_points import Entry
from flowlab.registry.registry import DISABLE_VARIABLE, Registry
from flowlab.registry.source import find_source


def select_entries(registry: Registry, kind: str | None) -> list[Entry]:
    """The entries of one kind, or of all in the order of the kinds. Raises ExperimentError."""
    if kind is not None and kind not in KINDS:
        raise ExperimentError([Problem("--kind", f"there is no kind {kind!r}", nearest(kind, KINDS))])
    order = list(KINDS)
    entries = [entry for entry in registry.entries if kind in (None, entry.kind)]
    return sorted(entries, key=lambda entry: (order.index(entry.kind), entry.name))


def format_components(registry: Registry, kind: str | None) -> str:
    """The components in aligned columns, grouped by kind, and below them the distributions they are from."""
    entries = select_entries(registry, kind)
    rows = [(registry.use(entry), f"{entry.distribution} {entry.version}", _about(entry)) for entry in entries]
    text: list[str] = []
    group = None
    for entry, line in zip(entries, align_columns(rows, indent=2), strict=True):
        if entry.kind != group:
            group = entry.kind
            text += ["", f"{group}: {KINDS[group].help}"]
        text.append(line)
    return "\n".join([*text[1:], "", *_distributions(registry, entries)])


def component_rows(registry: Registry, kind: str | None) -> list[dict[str, Any]]:
    """The components for a program to read."""
    return [_row(registry, entry) for entry in select_entries(registry, kind)]


def _row(registry: Registry, entry: Entry) -> dict[str, Any]:
    source = find_source(entry)
    return {
        "kind": entry.kind,
        "name": entry.name,
        "use": registry.use(entry),
        "summary": source.summary or "",
        "distribution": entry.distribution,
        "version": entry.version,
        "editable": entry.editable,
        "root": entry.root,
        "api": list(entry.api),
        "unusable": entry.unusable,
        "target": entry.target,
        "file": source.file,
        "line": source.line,
    }


def format_distribution(distribution: Entry | Distribution) -> str:
    """A distribution in short: name, version, API version, and whether it is editable."""
    name = distribution.distribution if isinstance(distribution, Entry) else distribution.name
    api = f"API {', '.join(distribution.api)}" if distribution.api else "no API version"
    return f"{name} {distribution.version}, {api}{', editable' if distribution.editable else ''}"


def _about(entry: Entry) -> str:
    """What a component is, or why it can't be used, and where it is written."""
    source = find_source(entry)
    summary = f"unusable: {entry.unusable}" if entry.unusable else source.summary or ""
    # a file within the distribution's folder is shown relative to it: the folder is shown once, below
    place = source.place.removeprefix(f"{entry.root}/") or entry.target
    return f"{summary} ({place})".lstrip()


def _distributions(registry: Registry, entries: list[Entry]) -> list[str]:
    """Where the listed components are from, and what isn't listed because it is disabled or broken."""
    rows = dict.fromkeys((format_distribution(entry), entry.root) for entry in entries)
    disabled = {entry.distribution for entry in registry.disabled}
    return [
        *align_columns(list(rows)),
        *(f"{name}: disabled by {DISABLE_VARIABLE}" for name in sorted(disabled)),
        *(
            f"{distribution.name} {distribution.version}, {distribution.root}: {distribution.fault}"
            for distribution in registry.distributions
            if distribution.fault
        ),
    ]
