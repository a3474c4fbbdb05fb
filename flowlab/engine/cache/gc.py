"""Files of a store that nothing needs any more, found and removed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from time import time

from attrs import frozen

from flowlab.api import OutputError
from flowlab.engine.cache.store import Store
from flowlab.engine.cache.tensor_file import SCHEMA, read_labels

_DAY = 86_400.0


@frozen
class StoredFile:
    """A file, its size in bytes, and the time of its last use."""

    path: Path
    size: int
    used: float

    @classmethod
    def all(cls, paths: Iterable[Path]) -> Iterator[StoredFile]:
        """Those of the files that are there; another run may just have removed one."""
        for path in paths:
            with suppress(FileNotFoundError):
                stat = path.stat()
                yield cls(path, stat.st_size, stat.st_mtime)


@frozen
class Garbage:
    """The files of a store that can go, or went, and the results and damaged files that stay."""

    removed: tuple[StoredFile, ...]
    kept: tuple[StoredFile, ...]


def collect(store: Store, needed: Collection[str] | None, keep_days: float, delete: bool) -> Garbage:
    """The files last used before these days that no key needs; with `delete` they are removed.

    These are results whose keys are not needed, or that an older version of the store made, which no run can use;
    damaged files; what killed runs left behind; and notes on the origin of results that are gone. `needed` is None
    where it is not known what is needed: all results of this version then stay. Raises OutputError.
    """
    end = time() - keep_days * _DAY
    results = list(StoredFile.all(store.result_files()))
    damaged = list(StoredFile.all(store.damaged_files()))
    unneeded = [
        file for file in results if _is_older(file.path) or (needed is not None and file.path.stem not in needed)
    ]
    unneeded += [*damaged, *StoredFile.all(store.leftovers())]
    old = [file for file in unneeded if file.used <= end]
    gone = {file.path for file in old}
    staying = [file for file in results if file.path not in gone]
    old += [file for file in StoredFile.all(_unused_notes(store, staying)) if file.used <= end]
    removed = tuple(file for file in old if not delete or _remove(file.path, end))
    gone = {file.path for file in removed}
    return Garbage(removed, tuple(file for file in (*results, *damaged) if file.path not in gone))


def _is_older(path: Path) -> bool:
    """Whether a result was made by an older version of the store; what can't be read may be of any."""
    labels = read_labels(path)
    return bool(labels) and labels.get("schema") != str(SCHEMA)


def _unused_notes(store: Store, staying: Iterable[StoredFile]) -> list[Path]:
    """The notes that tell nothing of the results that stay, nor of what these are made of."""
    keys: set[str] = set()
    sources: set[str] = set()
    stack = [file.path.stem for file in staying]
    while stack:
        key = stack.pop()
        if key in keys:
            continue
        keys.add(key)
        ingredients = store.ingredients(key)
        if ingredients is not None:
            sources.add(ingredients["sources"])
            stack += (source for group in ingredients["inputs"].values() for source in group.values())
    notes = [path for path in store.key_notes() if path.stem not in keys]
    return notes + [path for path in store.source_notes() if path.stem not in sources]


def _remove(path: Path, end: float) -> bool:
    """Remove a file that nobody has used in the meantime; whether it is gone. Raises OutputError."""
    try:
        if path.stat().st_mtime > end:
            return False
        path.unlink()
    except FileNotFoundError:
        return True
    except OSError as error:
        raise OutputError(f"{path}: can't be removed: {error.strerror or error}") from error
    return True
