"""Text in columns and lines that fit a width without broken words."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

Row = Sequence[str]


def align_columns(rows: Sequence[Row], indent: int = 0, gap: int = 2) -> list[str]:
    """One line a row, each column as wide as its widest cell."""
    if not rows:
        return []
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [(" " * indent + (" " * gap).join(map(str.ljust, row, widths))).rstrip() for row in rows]


def fit_columns(rows: Sequence[Row], width: int, keys: int = 1, indent: int = 2, gap: int = 2) -> list[str]:
    """A table of at most `width` characters a line; its first row is the header.

    A wider one is cut into blocks of columns, each behind the first `keys` columns. Where one column more than
    these does not fit, each row becomes a paragraph. Only a word that is longer than the width is wider.
    """
    if not rows or _width(rows, indent, gap) <= width:
        return align_columns(rows, indent, gap)
    blocks = list(_blocks(rows, width, keys, indent, gap))
    if any(_width(block, indent, gap) > width for block in blocks):
        return _paragraphs(rows, width, keys, indent)
    lines = align_columns(blocks[0], indent, gap)
    for block in blocks[1:]:
        lines += ["", *align_columns(block, indent, gap)]
    return lines


def wrap_line(line: str, width: int, indent: int = 0, hanging: int = 2) -> list[str]:
    """A line as several of at most `width` characters, cut between words; those after the first stand deeper."""
    return textwrap.wrap(
        line,
        width,
        initial_indent=" " * indent,
        subsequent_indent=" " * (indent + hanging),
        break_long_words=False,
        break_on_hyphens=False,
    )


def _width(rows: Sequence[Row], indent: int, gap: int) -> int:
    return max(map(len, align_columns(rows, indent, gap)), default=0)


def _blocks(rows: Sequence[Row], width: int, keys: int, indent: int, gap: int) -> Iterator[list[Row]]:
    """The key columns with as many of the others as fit, at least one, until all have come."""
    columns = list(zip(*rows, strict=True))
    taken: list[Row] = []
    for column in columns[keys:]:
        wider = list(zip(*columns[:keys], *taken, column, strict=True))
        if taken and _width(wider, indent, gap) > width:
            yield list(zip(*columns[:keys], *taken, strict=True))
            taken = []
        taken.append(column)
    yield list(zip(*columns[:keys], *taken, strict=True))


def _paragraphs(rows: Sequence[Row], width: int, keys: int, indent: int) -> list[str]:
    """A row a paragraph: its keys in one line, the other cells with their headers below; dashes are left out."""
    header, *body = rows
    lines = []
    for row in body:
        named = [(name, cell) for name, cell in zip(header, row, strict=True) if cell not in ("", "-")]
        first = [cell if name == header[0] else f"{name} {cell}" for name, cell in named if name in header[:keys]]
        lines += wrap_line(", ".join(first), width, indent)
        for name, cell in named:
            if name not in header[:keys]:
                lines += wrap_line(f"{name}: {cell}", width, indent + 2)
    return lines
