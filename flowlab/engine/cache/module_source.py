"""One file of source code: its digest, and the modules that it may import."""

from __future__ import annotations

import ast
import hashlib
import time
from collections.abc import Iterator
from pathlib import Path

from attrs import frozen

from flowlab.engine.cache.normal_form import normal_form, parse_module

_SETTLED_SECONDS = 2.0  # a file that was written later may change again without a new time of change
_IMPORTERS = frozenset({"import_module", "__import__"})
_LOADERS = frozenset({"exec", "eval", "exec_module", "run_module", "run_path", "spec_from_file_location"})


@frozen
class ImportStatement:
    """`from .module import names`, with `level` dots; `import module` has no names.

    A lazy one stands in a function: it is carried out when that is called, if ever.
    """

    module: str
    names: tuple[str, ...] = ()
    level: int = 0
    lazy: bool = False


@frozen
class ModuleSource:
    """What a file says: a digest of its normal form, its imports, and whether it imports what can't be told."""

    digest: str
    imports: tuple[ImportStatement, ...] = ()
    opaque: bool = False


_State = tuple[int, int, int]  # of a file: its inode, size and time of change

_read_before: dict[Path, tuple[_State, ModuleSource]] = {}


def read_module(path: Path) -> ModuleSource:
    """A file's digest and imports. A file that this process has read before is not read again unless it changed.

    What is no Python that this version can parse counts byte by byte, and may import anything. Raises OSError.
    """
    stat = path.stat()
    state = stat.st_ino, stat.st_size, stat.st_mtime_ns
    former = _read_before.get(path)
    if former is not None and former[0] == state:
        return former[1]
    source = _parse(path.read_bytes())
    if time.time() - stat.st_mtime > _SETTLED_SECONDS:
        _read_before[path] = state, source
    else:
        _read_before.pop(path, None)
    return source


def _parse(content: bytes) -> ModuleSource:
    tree = parse_module(content)
    if tree is None:
        return ModuleSource(hashlib.sha256(b"as bytes: " + content).hexdigest(), opaque=True)
    imports, opaque = _find_imports(tree)
    return ModuleSource(hashlib.sha256(normal_form(tree)).hexdigest(), imports, opaque)


def _find_imports(tree: ast.Module) -> tuple[tuple[ImportStatement, ...], bool]:
    """The imports of a module, and whether it has others that only its run could tell."""
    literals = _dict_literals(tree)
    imports: dict[ImportStatement, None] = {}
    opaque = False
    for node, lazy in _walk(tree):
        if isinstance(node, ast.Import):
            imports |= {ImportStatement(alias.name, lazy=lazy): None for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names = tuple(alias.name for alias in node.names)
            imports[ImportStatement(node.module or "", names, node.level, lazy)] = None
        elif isinstance(node, ast.Call):
            modules = _modules_called(node, literals)
            opaque = opaque or modules is None
            imports |= {ImportStatement(name, lazy=lazy): None for name in modules or ()}
    return tuple(imports), opaque


def _walk(tree: ast.Module) -> Iterator[tuple[ast.AST, bool]]:
    """All nodes that may run, each with whether it stands in a function."""
    stack: list[tuple[ast.AST, bool]] = [(tree, False)]
    while stack:
        node, lazy = stack.pop()
        yield node, lazy
        inner = lazy or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        skipped = node.body if isinstance(node, ast.If) and _is_type_checking(node.test) else ()
        stack += ((child, inner) for child in ast.iter_child_nodes(node) if child not in skipped)


def _is_type_checking(test: ast.expr) -> bool:
    """Whether an `if` asks for TYPE_CHECKING, which is False in every run."""
    name = test.attr if isinstance(test, ast.Attribute) else getattr(test, "id", None)
    return name == "TYPE_CHECKING"


def _modules_called(call: ast.Call, literals: dict[str, tuple[str, ...]]) -> tuple[str, ...] | None:
    """The modules that a call imports; None where that can't be told."""
    function = call.func
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    if name in _LOADERS and not (isinstance(function, ast.Attribute) and name in ("exec", "eval")):
        return None
    if name not in _IMPORTERS:
        return ()
    match call.args:
        case [ast.Constant(value=str(module))] if not module.startswith("."):
            return (module,)
        case [ast.Subscript(value=ast.Name(id=table))]:
            return literals.get(table)
    return None


def _dict_literals(tree: ast.Module) -> dict[str, tuple[str, ...]]:
    """The values of each `NAME = {...}` of the module whose values are all texts, and that is assigned once."""
    literals: dict[str, tuple[str, ...]] = {}
    for statement in tree.body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Dict(values=values)):
                constants = [value.value for value in values if isinstance(value, ast.Constant)]
                texts = tuple(constant for constant in constants if isinstance(constant, str))
                if len(texts) == len(values) and name not in literals:
                    literals[name] = texts
    return literals
