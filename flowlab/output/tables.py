"""The tables of all variants of a node as one CSV, the swept paths first."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable
from typing import Any

from flowlab.api import Table
from flowlab.engine.outcome import Outcome, Record
from flowlab.output.file_names import distinct_names, to_file_name
from flowlab.output.jsonable import to_jsonable

Piece = tuple[Record, Table]


def tables_as_csv(outcome: Outcome) -> dict[str, bytes]:
    """The CSV files by relative path."""
    merged: dict[tuple[str, str, str], list[Piece]] = {}
    for record in outcome.records:
        for name, table in record.result.tables.items() if record.result else ():
            key = (record.node.kind.name, record.node.name, name)
            merged.setdefault(key, []).append((record, table))
    names = distinct_names(to_file_name(".".join(key)) for key in merged)
    return {
        f"tables/{name}.csv": to_csv(pieces).encode() for name, pieces in zip(names, merged.values(), strict=True)
    }


def to_csv(pieces: Iterable[Piece]) -> str:
    """One table of several: a column absent from a piece is left empty there."""
    pieces = list(pieces)
    swept = _union_columns(record.node.variant for record, _ in pieces)
    columns = _union_columns(table.columns for _, table in pieces)
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([*swept, *columns])
    for record, table in pieces:
        lead = [format_cell(record.node.variant.get(path)) for path in swept]
        writer.writerows([*lead, *(format_cell(row.get(name)) for name in columns)] for row in table.rows)
    return stream.getvalue()


def format_cell(value: Any) -> str:
    """A cell's text: floats to the last digit, true and false as in TOML, nothing for None."""
    if value is None:
        return ""
    if not isinstance(value, bool | int | float | str) and hasattr(value, "item"):
        return format_cell(value.item())
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float | str):
        return str(value)
    return json.dumps(to_jsonable(value))


def _union_columns(groups: Iterable[Iterable[str]]) -> list[str]:
    return list(dict.fromkeys(name for group in groups for name in group))
