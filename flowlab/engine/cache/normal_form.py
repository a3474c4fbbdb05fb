"""A module's source code in a form that comments, white space, docstrings and the Python version leave alone.

`ast.dump` will not do: it differs between Python versions for the same file. This form names each field that holds
something and leaves out the rest, so that a field that a later version adds changes nothing while it is empty.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator
from typing import Any

_IGNORED_FIELDS = frozenset({"ctx", "kind", "type_comment", "type_ignores"})  # they decide nothing, or follow
_BLOCKS = frozenset({"body", "orelse", "finalbody"})  # fields that hold statements, and no expression


def parse_module(source: bytes) -> ast.Module | None:
    """The syntax tree of a module, None where this Python can't parse it."""
    try:
        with warnings.catch_warnings(action="ignore"):  # of escapes in strings
            return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def normal_form(tree: ast.Module) -> bytes:
    """The tree as text: equal for two sources just if they run the same, docstrings aside."""
    return "".join(_texts(tree)).encode("utf-8", "surrogatepass")


def _texts(tree: ast.Module) -> Iterator[str]:
    """The parts of the text. A stack in place of recursion: how deep that may go depends on the version."""
    stack: list[Any] = [tree]
    while stack:
        item = stack.pop()
        if type(item) is _Text:
            yield item
        elif isinstance(item, ast.Constant):
            yield f"({_constant(item.value)})"
        elif isinstance(item, ast.AST):
            yield f"({type(item).__name__}"
            stack.append(_END)
            for name in reversed(item._fields):
                value = _field(item, name)
                if value is not None and value != []:
                    stack += (value, _Text(f" {name}="))
        elif isinstance(item, list):
            yield "["
            stack += (_CLOSE, *reversed(item))
        else:
            yield _constant(item)


class _Text(str):
    """Text that is ready, on the stack beside what is not."""

    __slots__ = ()


_END, _CLOSE = _Text(")"), _Text("]")


def _field(node: ast.AST, name: str) -> Any:
    """A field as it counts; None where it doesn't."""
    if name in _IGNORED_FIELDS:
        return None
    value: Any = getattr(node, name, None)
    if name in _BLOCKS and isinstance(value, list):
        return [statement for statement in value if not _does_nothing(statement)]
    if name == "values" and isinstance(node, ast.JoinedStr):
        return _joined(value)
    return value


def _does_nothing(statement: ast.AST) -> bool:
    """Whether a statement is a docstring, another string alone, or `pass`."""
    if isinstance(statement, ast.Expr):
        return isinstance(statement.value, ast.Constant) and isinstance(statement.value.value, str)
    return isinstance(statement, ast.Pass)


def _joined(values: list[ast.expr]) -> list[Any]:
    """The parts of an f-string; Python 3.12 and its forerunners split its text at different places."""
    parts: list[Any] = []
    for value in values:
        if not (isinstance(value, ast.Constant) and isinstance(value.value, str)):
            parts.append(value)
        elif parts and isinstance(parts[-1], str):
            parts[-1] += value.value
        elif value.value:
            parts.append(value.value)
    return parts


def _constant(value: Any) -> str:
    """A constant with its type. Whole numbers as hex digits, of which Python writes as many as there are."""
    return f"{type(value).__name__} {hex(value) if type(value) is int else repr(value)}"
