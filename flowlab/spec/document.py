"""Reading an experiment's text: TOML 1.0 with positions, every fault of it an ExperimentError."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomli
from attrs import frozen

from flowlab.api import ExperimentError, Problem
from flowlab.spec.locate import Mark, element, locate

_MOST_BYTES = 1 << 20
_DEEPEST = 100
_LONGEST_LINE = 20_000


@frozen
class Document:
    """An experiment's data and where each key stands; keys set on the command line stand there."""

    path: str
    data: dict[str, Any]
    marks: Mapping[tuple[str, ...], Mark]
    overridden: Mapping[tuple[str, ...], str]

    def where(self, *path: str, value: bool = False, item: str | None = None) -> str:
        """`file:line:column` of a key (or of its value, or of a string in its array), or of the nearest
        table above it."""
        for end in range(len(path), 0, -1):
            if path[:end] in self.overridden:
                return self.overridden[path[:end]]
            mark = self.marks.get(path[:end])
            if mark is not None:
                at = (mark.line, mark.column)
                if end == len(path) and item is not None:
                    at = element(mark, item)
                elif end == len(path) and value:
                    at = (mark.value_line, mark.value_column)
                return f"{self.path}:{at[0]}:{at[1]}"
        return f"{self.path}:1:1"

    def order(self, where: str) -> tuple[int, int]:
        """A sort key that puts problems in the order of the file."""
        found = re.search(r":(\d+):(\d+)$", where)
        return (int(found[1]), int(found[2])) if found else (1 << 30, 0)


def read(path: Path) -> Document:
    """Read a document. Raises ExperimentError for a file that is missing, too large, or no TOML 1.0."""
    name = str(path)
    try:
        raw = path.read_bytes()
    except OSError as error:
        reason = "there is no such file" if isinstance(error, FileNotFoundError) else str(error.strerror)
        raise _bad(name, 1, 1, reason) from error
    if len(raw) > _MOST_BYTES:
        raise _bad(name, 1, 1, f"{len(raw)} bytes; an experiment has at most {_MOST_BYTES}")
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        head = raw[: error.start]
        line, column = head.count(b"\n") + 1, error.start - (head.rfind(b"\n") + 1) + 1
        raise _bad(name, line, column, f"not UTF-8 text (byte {error.start})") from error
    _refuse_monsters(name, text)
    try:
        data = tomli.loads(text)
    except tomli.TOMLDecodeError as error:
        rule = re.sub(r" \(at .*\)$", "", str(error))
        raise _bad(name, error.lineno, error.colno, f"not valid TOML: {rule}") from error
    except (RecursionError, ValueError) as error:
        raise _bad(name, 1, 1, f"not readable as TOML: {error}") from error
    return Document(name, data, locate(text), {})


def _refuse_monsters(name: str, text: str) -> None:
    """Refuse what would make a parser recurse or crawl, before it is asked."""
    for number, line in enumerate(text.splitlines(), 1):
        if len(line) > _LONGEST_LINE:
            raise _bad(name, number, 1, f"a line of {len(line)} characters; at most {_LONGEST_LINE}")
        if line.count("[") > _DEEPEST or line.count("{") > _DEEPEST or line.count(".") > _DEEPEST * 20:
            raise _bad(name, number, 1, f"nested deeper than {_DEEPEST} levels")
        digits = re.search(r"\d{4300,}", line)
        if digits:
            raise _bad(name, number, digits.start() + 1, f"a number of {len(digits[0])} digits")


def _bad(name: str, line: int, column: int, message: str) -> ExperimentError:
    return ExperimentError([Problem(f"{name}:{line}:{column}", message)])
