"""What a component's source says of it, read without importing it."""

from __future__ import annotations

import ast
import importlib.util
import inspect
from pathlib import Path

from attrs import frozen

from flowlab.registry.entry_points import Entry


@frozen
class Source:
    """Where a component is defined and the first line of its docstring; None where that isn't known."""

    file: str | None = None
    line: int | None = None
    summary: str | None = None


def source(entry: Entry) -> Source:
    """Read a component's source; works for a component whose import fails."""
    # a target may end in extras
    module, _, name = entry.target.partition("[")[0].strip().partition(":")
    file = _file(module)
    if file is None:
        return Source()
    try:
        tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return Source(str(file))
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name == name:
            text = ast.get_docstring(node)
            return Source(str(file), node.lineno, inspect.cleandoc(text).splitlines()[0] if text else None)
    return Source(str(file))


def _file(module: str) -> Path | None:
    """The file of a module, found by its top package alone: parents are not imported."""
    top, *rest = module.split(".")
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return None
    if spec is None:
        return None
    if not rest:
        return Path(spec.origin) if spec.origin else None
    for folder in spec.submodule_search_locations or ():
        path = Path(folder, *rest)
        for candidate in (path.with_suffix(".py"), path / "__init__.py"):
            if candidate.is_file():
                return candidate
    return None
