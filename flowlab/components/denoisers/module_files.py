"""What the files of a module are, found without running anything in them and without torch."""

from __future__ import annotations

import ast
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from flowlab.api.nearest_name import nearest

Program = Literal["torchscript", "torch-export"]


def program_in(path: Path) -> Program | None:
    """The kind of program that a file is, None for weights alone; by its content, as names say little."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return None
    inside = {name.partition("/")[2] for name in names}
    if "constants.pkl" in inside:
        return "torchscript"
    return "torch-export" if "archive_format" in inside else None


def source_fault(path: Path, network: str | None) -> tuple[str, str] | None:
    """What is wrong with a Python file that is to define a network: the key and the rule."""
    if path.suffix != ".py" or not path.is_file():
        reason = "there is no file" if path.suffix == ".py" else "expected a Python file (.py), found"
        return "source", f"{reason} {str(path)!r}"
    try:
        with warnings.catch_warnings(action="ignore"):  # of escapes in strings
            tree = ast.parse(path.read_bytes())
    except SyntaxError as error:
        return "source", f"{str(path)!r} is no Python of this version: line {error.lineno}: {error.msg}"
    except (ValueError, OSError, RecursionError, MemoryError):
        return "source", f"{str(path)!r} can't be read as Python"
    names = list(_defined_names(tree.body))
    if network is None or network in names or "*" in names:
        return None
    close = nearest(network, names)
    hint = f"; did you mean {close!r}?" if close else ""
    return "network", f"{str(path)!r} defines no {network!r}{hint}"


def _defined_names(body: list[ast.stmt]) -> Iterator[str]:
    """The names that a module's statements define, those in `if` and `try` included."""
    for statement in body:
        match statement:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name):
                yield name
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                yield from (alias.asname or alias.name.partition(".")[0] for alias in names)
            case ast.Assign(targets=targets):
                yield from (target.id for target in targets if isinstance(target, ast.Name))
            case ast.AnnAssign(target=ast.Name(id=name)):
                yield name
        for part in ("body", "orelse", "finalbody"):
            if isinstance(statement, ast.If | ast.Try | ast.With):
                yield from _defined_names(getattr(statement, part, []))
        for handler in getattr(statement, "handlers", []):
            yield from _defined_names(handler.body)
