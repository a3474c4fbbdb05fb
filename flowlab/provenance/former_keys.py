"""Keys that have other names now than in the locks of runs that are recorded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import evolve

from flowlab.spec.document import Document

FORMER_KEYS: Mapping[tuple[str, str], Mapping[str, str]] = {
    ("figure", "fractions-over-sweep"): {"scale": "xscale", "axis": "xlabel"},
}
"""The key of today by the former one, for a component of a kind."""


def rename_former_keys(experiment: Document) -> Document:
    """The experiment of a lock with the keys of today, which stand where the former ones stood."""
    data, marks = dict(experiment.data), dict(experiment.marks)
    for (kind, use), today in FORMER_KEYS.items():
        tables = data.get(kind)
        if not isinstance(tables, dict):
            continue
        data[kind] = {name: _rename(table, use, today) for name, table in tables.items()}
        for name, table in tables.items():
            if _is_of(table, use):
                for former in table.keys() & today.keys():
                    mark = marks.pop((kind, name, former))
                    marks.setdefault((kind, name, today[former]), mark)
    return evolve(experiment, data=data, marks=marks)


def _rename(table: Any, use: str, today: Mapping[str, str]) -> Any:
    """A node's table with the keys of today; a value that stands under one of these stays."""
    if not _is_of(table, use):
        return table
    renamed = {today.get(key, key): value for key, value in table.items()}
    return renamed | {key: value for key, value in table.items() if key not in today}


def _is_of(table: Any, use: str) -> bool:
    return isinstance(table, dict) and table.get("use") == use
