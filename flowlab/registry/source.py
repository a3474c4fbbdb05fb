"""The place, docstring and class statement of a component, read from its source without importing it."""

from __future__ import annotations

import ast
import importlib.util
import inspect
import warnings
from pathlib import Path

from attrs import field, frozen

from flowlab.registry.entry_points import Entry

_MOST_HOPS = 5  # from one module that imports the class to the next


@frozen
class ComponentSource:
    """Where a component is defined and the first line of its docstring; None where that isn't known.

    Also its class statement, and the module that it stands in.
    """

    file: str | None = None
    line: int | None = None
    summary: str | None = None
    statement: ast.ClassDef | None = field(default=None, eq=False, repr=False)
    module: ast.Module | None = field(default=None, eq=False, repr=False)

    @property
    def place(self) -> str:
        """`file:line`, as far as known."""
        return ":".join(str(part) for part in (self.file, self.line) if part is not None)


def find_source(entry: Entry) -> ComponentSource:
    """Read a component's source; works for a component whose import fails."""
    # a target may end in extras
    module, _, name = entry.target.partition("[")[0].strip().partition(":")
    return _find(module.strip(), name.strip(), _MOST_HOPS)


def _find(module: str, name: str, hops: int) -> ComponentSource:
    file = _file(module)
    if file is None:
        return ComponentSource()
    try:
        with warnings.catch_warnings(action="ignore"):  # of the plugin's escapes in strings
            tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return ComponentSource(str(file))
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name == name:
            text = ast.get_docstring(node)
            summary = inspect.cleandoc(text).partition("\n")[0] if text else None
            return ComponentSource(str(file), node.lineno, summary, node, tree)
    for node in tree.body if hops else ():
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if name == (alias.asname or alias.name):
                    source = _find(_imported(node, module, file), alias.name, hops - 1)
                    return source if source.file else ComponentSource(str(file))
    return ComponentSource(str(file))


def _imported(statement: ast.ImportFrom, module: str, file: Path) -> str:
    """The absolute name of the module that a statement of `module` imports from."""
    if not statement.level:
        return statement.module or ""
    package = module.split(".") if file.name == "__init__.py" else module.split(".")[:-1]
    return ".".join([*package[: len(package) - statement.level + 1], *filter(None, [statement.module])])


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
