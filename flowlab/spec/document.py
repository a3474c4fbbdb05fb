"""Reading an experiment's text: TOML 1.0 with positions, every fault of it an ExperimentError."""

from __future__ import annotations

import ast
import codecs
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomli
from attrs import Factory, evolve, field, frozen

from flowlab.api import ExperimentError, Problem
from flowlab.spec.locate import Mark, locate_element, locate_keys

_MOST_BYTES = 1 << 20
_DEEPEST = 100
# What tomli says of two common mistakes, and what was meant.
_MEANT = {
    "Invalid value": "expected a string in quotes, a number, true, false or a list",
    "Cannot overwrite a value": "the key has a value already",
}


@frozen
class Document:
    """An experiment's data and where each key stands; keys set on the command line stand there.

    `files` are the file and those that it extends, in this order. Relative paths start at `folder`; those of the
    keys in `starts` start in another: the current one for the command line, its own for a file that is extended.
    """

    path: str
    data: dict[str, Any]
    marks: Mapping[tuple[str, ...], Mark]
    overridden: Mapping[tuple[str, ...], str]
    text: str = ""
    folder: Path = Path()
    starts: Mapping[tuple[str, ...], Path] = field(factory=dict)
    files: tuple[str, ...] = field(default=Factory(lambda self: (self.path,), takes_self=True))

    def below(self, name: str) -> Document:
        """What stands in a table of it."""
        marks = {path[1:]: mark for path, mark in self.marks.items() if path[0] == name and len(path) > 1}
        return evolve(self, data=self.data[name], marks=marks, text="")

    def without(self, name: str) -> Document:
        """The document but for a table of it."""
        data = {key: value for key, value in self.data.items() if key != name}
        return evolve(self, data=data, marks={path: mark for path, mark in self.marks.items() if path[0] != name})

    def where(self, *path: str, value: bool = False, item: str | None = None) -> str:
        """`file:line:column` of a key (or of its value, or of a string in its array), of the nearest table
        above it, or of the first below."""
        for end in range(len(path), 0, -1):
            if path[:end] in self.overridden:
                return self.overridden[path[:end]]
            mark = self.marks.get(path[:end])
            if mark is not None:
                at = (mark.line, mark.column)
                if end == len(path) and item is not None:
                    at = locate_element(mark, item)
                elif end == len(path) and value:
                    at = (mark.value_line, mark.value_column)
                return f"{mark.file or self.path}:{at[0]}:{at[1]}"
        below = (mark for at, mark in self.marks.items() if path and at[: len(path)] == path)
        first = next(below, None)
        return f"{first.file or self.path}:{first.line}:{first.column}" if first else f"{self.path}:1:1"

    def order(self, where: str) -> tuple[int, int, int]:
        """A sort key that puts problems in the order of the file, then of those that it extends."""
        found = re.fullmatch(r"(.*):(\d+):(\d+)", where, re.DOTALL)
        if found is None:
            return len(self.files), 0, 0
        file = self.files.index(found[1]) if found[1] in self.files else 0
        return file, int(found[2]), int(found[3])


def read_document(path: Path, most: int = _MOST_BYTES) -> Document:
    """Read a document. Raises ExperimentError for a file that is missing, of more bytes, or no TOML 1.0."""
    name = str(path)
    try:
        with path.open("rb") as file:
            raw = file.read(most + 1)
    except (OSError, ValueError) as error:  # ValueError: a name with NUL
        reason = getattr(error, "strerror", None) or str(error)
        reason = "there is no such file" if isinstance(error, FileNotFoundError) else reason
        raise _bad(name, 1, 1, reason) from error
    return evolve(parse_document(name, raw, most), folder=path.parent)


def parse_document(name: str, raw: bytes, most: int = _MOST_BYTES) -> Document:
    """A document of that name. Raises ExperimentError for one of more bytes, or no TOML 1.0."""
    if len(raw) > most:
        raise _bad(name, 1, 1, f"more than {most} bytes")
    raw = raw.removeprefix(codecs.BOM_UTF8)  # some editors on Windows write one
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        head = raw[: error.start]
        line, column = head.count(b"\n") + 1, error.start - (head.rfind(b"\n") + 1) + 1
        raise _bad(name, line, column, f"not UTF-8 text (byte {error.start})") from error
    digits = re.search(r"\d{4300,}", text)  # int refuses them without a position
    if digits:
        raise _bad(name, *_place(text, digits.start()), f"a number of {len(digits[0])} digits")
    try:
        data = tomli.loads(text)
    except tomli.TOMLDecodeError as error:
        raise _bad(name, error.lineno, error.colno, f"not valid TOML: {_rule(error)}") from error
    except (RecursionError, ValueError) as error:
        raise _bad(name, *_place(text, _densest(text)), f"not readable as TOML: {error}") from error
    if _deeper(data, _DEEPEST):
        raise _bad(name, *_place(text, _densest(text)), f"nested deeper than {_DEEPEST} levels")
    return Document(name, data, locate_keys(text), {}, text)


def _rule(error: tomli.TOMLDecodeError) -> str:
    rule = re.sub(r" \(at .*\)$", "", str(error))
    twice = re.fullmatch(r"Cannot declare (\(.*\)) twice", rule)
    if twice:
        return f"[{'.'.join(ast.literal_eval(twice[1]))}] is declared twice"
    return _MEANT.get(rule, rule)


def _place(text: str, at: int) -> tuple[int, int]:
    """Line and column of an offset."""
    return text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)


def _densest(text: str) -> int:
    """The offset of the line most likely to nest: the one with the most dots and brackets."""
    lines = text.split("\n")
    most = max(range(len(lines)), key=lambda i: sum(lines[i].count(mark) for mark in ".[{"))
    return sum(len(line) + 1 for line in lines[:most])


def _deeper(data: Any, limit: int) -> bool:
    """Whether data nests deeper than a limit, found without recursion."""
    level = [data]
    for _ in range(limit + 1):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]
    return bool(level)


def _bad(name: str, line: int, column: int, message: str) -> ExperimentError:
    return ExperimentError([Problem(f"{name}:{line}:{column}", message)])
