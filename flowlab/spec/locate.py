"""Where each key and value of a TOML document stands.

tomli gives values without positions. A run of lines that tomli accepts by itself is a complete statement, so
statements are found by asking; their paths come from what tomli made of them. Strings and comments are blanked
first, so that brackets tell when it is worth asking: once a statement, however long.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import tomli
from attrs import frozen

Path = tuple[str, ...]

_OPAQUE = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}' + r"|'''.*?'{3,5}" + r'|"(?:\\.|[^"\\\n])*"' + r"|'[^'\n]*'|#[^\n]*",
    re.DOTALL,
)


# A key and its value on one line, with no table inside.
_PLAIN_KEY = re.compile(r"\s*([A-Za-z0-9_-]+)\s*=[^{\n]*")


@frozen
class Mark:
    """Line and column, from 1, of a key and of its value, and the statement's text.

    `file` is the file, where it is another than the document's.
    """

    line: int
    column: int
    value_line: int
    value_column: int
    text: str
    file: str = ""


def locate_keys(text: str) -> dict[Path, Mark]:
    """The marks of all keys and table headers of a valid document; inline keys share their statement's."""
    marks: dict[Path, Mark] = {}
    table: Path = ()
    text = text.replace("\r\n", "\n")
    # not splitlines: it also splits at characters that TOML allows in a string
    lines, bare = text.split("\n"), _OPAQUE.sub(_blank, text).split("\n")
    first = 0
    while first < len(lines):
        if not bare[first].strip():
            first += 1
            continue
        column = len(lines[first]) - len(lines[first].lstrip()) + 1
        plain = _PLAIN_KEY.fullmatch(bare[first])
        if plain and _depth(bare[first]) == 0:  # most lines of a lock, told without asking
            mark = Mark(first + 1, column, first + 1, _value(lines[first], bare[first]), lines[first])
            marks.setdefault((*table, plain[1]), mark)
            first += 1
            continue
        chunk, parsed, after = _statement(lines, bare, first)
        if lines[first].lstrip().startswith("["):
            table = _header(parsed)
            marks.setdefault(table, Mark(first + 1, column, first + 1, column, chunk))
        else:
            mark = Mark(first + 1, column, first + 1, _value(lines[first], bare[first]), chunk)
            for inner in _inner(parsed, ()):
                marks.setdefault(table + inner, mark)
        first = after
    return marks


def locate_element(mark: Mark, value: str) -> tuple[int, int]:
    """The position of a string within a statement's array; the array's own where it isn't found."""
    for quoted in (f'"{value}"', f"'{value}'"):
        at = mark.text.find(quoted, mark.text.find("="))
        if at >= 0:
            before = mark.text[:at]
            line = mark.line + before.count("\n")
            return line, len(before.rpartition("\n")[2]) + 1
    return mark.value_line, mark.value_column


def _blank(match: re.Match[str]) -> str:
    """As many blanks; a string opens and closes like a bracket, for it may span lines."""
    blanks = re.sub(r"[^\n]", " ", match[0])
    return blanks if match[0].startswith("#") else f"[{blanks[1:-1]}]"


def _depth(bare: str) -> int:
    """How many brackets a line opens, less those that it closes."""
    return bare.count("[") + bare.count("{") - bare.count("]") - bare.count("}")


def _statement(lines: list[str], bare: list[str], first: int) -> tuple[str, dict[str, Any], int]:
    depth = 0
    for after in range(first + 1, len(lines) + 1):
        depth += _depth(bare[after - 1])
        if depth == 0:
            chunk = "\n".join(lines[first:after])
            try:
                return chunk, tomli.loads(chunk), after
            except tomli.TOMLDecodeError:
                pass
    return "\n".join(lines[first:]), {}, len(lines)


def _header(parsed: Any) -> Path:
    """The dotted key of a header: the chain of only children down to an empty table."""
    path: list[str] = []
    while parsed:
        key, parsed = next(iter(parsed.items()))
        path.append(key)
        if isinstance(parsed, list):
            parsed = parsed[0]
    return tuple(path)


def _inner(parsed: Mapping[str, Any], above: Path) -> list[Path]:
    paths: list[Path] = []
    for key, value in parsed.items():
        paths.append((*above, key))
        if isinstance(value, Mapping):
            paths += _inner(value, (*above, key))
    return paths


def _value(line: str, bare: str) -> int:
    rest = line[bare.find("=") + 1 :]
    return len(line) - len(rest.lstrip()) + 1
