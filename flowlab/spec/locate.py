"""Where each key and value of a TOML document stands, without a lexer.

tomli gives values without positions. A run of lines that tomli accepts by itself is a complete statement, so
statements are found by asking; their paths come from what tomli made of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tomli
from attrs import frozen

Path = tuple[str, ...]

# A statement that is open after a line can only be closed by a later line that holds one of these.
_CLOSERS = ("]", "}", '"""', "'''")


@frozen
class Mark:
    """Line and column, from 1, of a key and of its value, and the statement's text."""

    line: int
    column: int
    value_line: int
    value_column: int
    text: str


def locate(text: str) -> dict[Path, Mark]:
    """The marks of all keys and table headers of a valid document; inline keys share their statement's."""
    marks: dict[Path, Mark] = {}
    table: Path = ()
    lines = text.splitlines()
    first = 0
    while first < len(lines):
        if not lines[first].strip() or lines[first].lstrip().startswith("#"):
            first += 1
            continue
        chunk, parsed, after = _statement(lines, first)
        column = len(lines[first]) - len(lines[first].lstrip()) + 1
        header = lines[first].lstrip().startswith("[")
        path = _path(parsed, header)
        if header:
            table = path
            marks.setdefault(table, Mark(first + 1, column, first + 1, column, chunk))
        else:
            line, place = _value(lines[first], path, first)
            mark = Mark(first + 1, column, line, place, chunk)
            for inner in _inner(parsed, ()):
                marks.setdefault(table + inner, mark)
        first = after
    return marks


def element(mark: Mark, value: str) -> tuple[int, int]:
    """The position of a string within a statement's array; the array's own where it isn't found."""
    for quoted in (f'"{value}"', f"'{value}'"):
        at = mark.text.find(quoted, mark.text.find("="))
        if at >= 0:
            before = mark.text[:at]
            line = mark.line + before.count("\n")
            return line, len(before.rpartition("\n")[2]) + 1
    return mark.value_line, mark.value_column


def _statement(lines: list[str], first: int) -> tuple[str, dict[str, Any], int]:
    chunk = lines[first]
    for after in range(first + 1, len(lines) + 1):
        if after == first + 1 or any(mark in lines[after - 1] for mark in _CLOSERS):
            chunk = "\n".join(lines[first:after])
            try:
                return chunk, tomli.loads(chunk), after
            except tomli.TOMLDecodeError:
                pass
    return chunk, {}, len(lines)


def _path(parsed: Any, header: bool) -> Path:
    """The dotted key of one statement: the chain of only children; a header's ends in an empty table."""
    path: list[str] = []
    while isinstance(parsed, Mapping) and len(parsed) == 1:
        key, parsed = next(iter(parsed.items()))
        path.append(key)
        if header and isinstance(parsed, list):
            parsed = parsed[0]
    return tuple(path)


def _inner(parsed: Mapping[str, Any], above: Path) -> list[Path]:
    paths: list[Path] = []
    for key, value in parsed.items():
        paths.append((*above, key))
        if isinstance(value, Mapping):
            paths += _inner(value, (*above, key))
    return paths


def _value(line: str, path: Path, index: int) -> tuple[int, int]:
    for at, letter in enumerate(line):
        if letter == "=":
            try:
                key = _path(tomli.loads(line[:at] + "= 0"), header=False)
            except tomli.TOMLDecodeError:
                continue
            if path[: len(key)] == key:
                rest = line[at + 1 :]
                return index + 1, at + 2 + len(rest) - len(rest.lstrip())
    return index + 1, 1
