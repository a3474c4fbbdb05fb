"""Pieces of HTML that a notebook shows."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape


def html_picture(png: bytes) -> str:
    """A picture that fits the cell."""
    return f'<img style="max-width: 100%" src="data:image/png;base64,{base64.b64encode(png).decode()}">'


def html_table(caption: str, header: Sequence[str], rows: Sequence[Sequence[str]], total: int) -> str:
    """A table; the caption says how many of its rows are shown."""
    part = f", the first {len(rows)} of {total} rows" if total > len(rows) else ""
    lines = [_row("th", header), *(_row("td", row) for row in rows)]
    return f"<table><caption>{escape(caption)}{part}</caption>{''.join(lines)}</table>"


def _row(tag: str, cells: Sequence[str]) -> str:
    return f"<tr>{''.join(f'<{tag}>{escape(cell)}</{tag}>' for cell in cells)}</tr>"
