"""The digest of a file's content, of a folder's, and of a Python file with the modules beside it."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

from flowlab.engine.cache.module_source import ImportStatement, read_module


def content_digest(path: Path) -> str:
    """sha256 of a file's content.

    Of a folder all files in it count, by their paths, but for hidden ones. Of a Python file its source code counts
    without comments and docstrings, and so do the modules in its folder that it imports. Raises OSError.
    """
    if path.is_dir():
        return _digest_of({name: _file_digest(path / name) for name in _visible_files(path)})
    if path.suffix == ".py":
        return _digest_of({file.relative_to(path.parent).as_posix(): digest for file, digest in _modules(path)})
    return _file_digest(path)


def _file_digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _digest_of(parts: dict[str, str]) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _visible_files(folder: Path) -> Iterator[str]:
    """The relative paths of all files in a folder and those below it. What a name with a dot begins is hidden."""
    for above, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if not name.startswith("."):
                yield (Path(above) / name).relative_to(folder).as_posix()


def _modules(script: Path) -> Iterator[tuple[Path, str]]:
    """A script and the modules in its folder that it may import, each with the digest of its source."""
    root, stack, seen = script.parent, [script], {script}
    while stack:
        file = stack.pop()
        source = read_module(file)
        yield file, source.digest
        # what only a run could tell may be anything in the folder
        imported = sorted(root.rglob("*.py")) if source.opaque else _imported_files(root, file, source.imports)
        for one in imported:
            if one not in seen:
                seen.add(one)
                stack.append(one)


def _imported_files(root: Path, file: Path, imports: tuple[ImportStatement, ...]) -> Iterator[Path]:
    """The files in a folder that import statements of one of them name; packages run their `__init__.py`."""
    package = file.relative_to(root).parts[:-1]
    for statement in imports:
        above = package[: len(package) - statement.level + 1] if statement.level else ()
        parts = (*above, *filter(None, statement.module.split(".")))
        for names in (parts, *((*parts, name) for name in statement.names)):
            for end in range(1, len(names) + 1):
                place = root.joinpath(*names[:end])
                yield from (path for path in (place.with_suffix(".py"), place / "__init__.py") if path.is_file())
