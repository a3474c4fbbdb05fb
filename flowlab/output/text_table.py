"""Text in columns."""

from __future__ import annotations

from collections.abc import Sequence


def align_columns(rows: Sequence[Sequence[str]], indent: int = 0, gap: int = 2) -> list[str]:
    """One line a row, each column as wide as its widest cell."""
    if not rows:
        return []
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [(" " * indent + (" " * gap).join(map(str.ljust, row, widths))).rstrip() for row in rows]
