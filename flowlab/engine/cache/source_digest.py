"""What a package's source code says, comments and layout aside, as digests."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path


def digest_modules(package: str) -> dict[str, str]:
    """sha256 of the syntax tree of each module of a package, docstrings included; nothing is imported.

    A module that can't be parsed counts byte by byte; a package without source code has none.
    """
    return {name: hashlib.sha256(_normal_form(module)).hexdigest() for name, module in _modules(package)}


def _modules(package: str) -> Iterator[tuple[str, Path]]:
    """The modules of a package, or the one that it is, each with its path within."""
    try:
        spec = find_spec(package)
    except (ImportError, ValueError):
        return
    if spec is None:
        return
    if spec.submodule_search_locations is None:
        if spec.origin and spec.origin.endswith(".py"):
            yield package, Path(spec.origin)
        return
    for root in spec.submodule_search_locations:
        for module in sorted(Path(root).rglob("*.py")):
            yield module.relative_to(root).as_posix(), module


def _normal_form(module: Path) -> bytes:
    source = module.read_bytes()
    try:
        return ast.dump(ast.parse(source)).encode()
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return source
