"""The folder of results of former runs: one file a result, named by the key of its node."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from attrs import frozen

from flowlab.engine.atomic_file import remove_leftovers, write_atomically
from flowlab.engine.cache.tensor_file import SUFFIX, key_path, read_labels

STORE_VARIABLE = "FLOWLAB_STORE"  # names the folder of the store
_RESULT = re.compile(rf"[0-9a-f]{{64}}{re.escape(SUFFIX)}")
_NOTE = re.compile(r"[0-9a-f]{64}\.json")
_LEFTOVER = re.compile(rf"[0-9a-f]{{64}}\.lock|\.{_RESULT.pattern}\.[0-9a-f]{{8}}\.\d+\.tmp")


@frozen
class Store:
    """A folder of results, with notes that say what they were made of.

    Stored is what can be serialized, and was trained or took at least `worth` seconds: banks and long analyses.
    Anything else is computed again as quickly. Notes are small JSON files: `keys/KEY.json` holds the ingredients
    of a node whose result is not stored but went into one that is, `sources/DIGEST.json` the modules of a digest
    of source code. Both are named by the digest of what they hold, so that they are never changed.
    """

    folder: Path
    worth: float = 0.1

    @classmethod
    def beside(cls, runs: Path) -> Store:
        """The store of a folder of runs, or the one that the environment names."""
        return cls(Path(os.environ.get(STORE_VARIABLE) or runs / ".store"))

    def path(self, key: str) -> Path:
        """The file of a key's result."""
        return key_path(self.folder, key)

    @property
    def quarantine(self) -> Path:
        """Where damaged files go."""
        return self.folder / "quarantine"

    def result_files(self) -> list[Path]:
        """The files of all results."""
        return _files_named(self.folder, _RESULT)

    def damaged_files(self) -> list[Path]:
        """The files in quarantine."""
        return _files_named(self.quarantine, _RESULT)

    def leftovers(self) -> list[Path]:
        """What killed runs left behind, or runs at work still need: locks and half-written files."""
        return _files_named(self.folder, _LEFTOVER)

    def key_notes(self) -> list[Path]:
        """The files of ingredients whose results are not stored."""
        return _files_named(self.folder / "keys", _NOTE)

    def source_notes(self) -> list[Path]:
        """The files of modules."""
        return _files_named(self.folder / "sources", _NOTE)

    def write_ingredients(self, key: str, ingredients: str) -> None:
        """Write down what a key is made of, unless its result is stored and says so. Raises OSError."""
        if not self.path(key).exists():
            _write_note(self.folder / "keys" / f"{key}.json", ingredients)

    def ingredients(self, key: str) -> dict[str, Any] | None:
        """What a key is made of, by its result or its note; None where nothing tells."""
        text = read_labels(self.path(key)).get("ingredients")
        if text is None:
            with suppress(OSError, ValueError):
                text = (self.folder / "keys" / f"{key}.json").read_text("utf-8")
        if text is None or hashlib.sha256(text.encode()).hexdigest() != key:
            return None
        content: dict[str, Any] = json.loads(text)
        return content

    def write_modules(self, digest: str, modules: Mapping[str, str]) -> None:
        """Write down the modules of a digest of source code. Raises OSError."""
        _write_note(self.folder / "sources" / f"{digest}.json", json.dumps(modules, sort_keys=True))

    def modules(self, digest: str) -> dict[str, str] | None:
        """The modules of a digest of source code; None where nothing tells."""
        try:
            modules: dict[str, str] = json.loads((self.folder / "sources" / f"{digest}.json").read_bytes())
        except (OSError, ValueError):
            return None
        return modules

    def all_labels(self) -> Iterator[tuple[Path, dict[str, str]]]:
        """The labels of each result, unchecked: a file that can't be read has none."""
        for path in self.result_files():
            yield path, read_labels(path)


def _write_note(path: Path, text: str) -> None:
    """Write a note that isn't there. A power cut may tear it: who reads it knows its digest."""
    if not path.exists():
        remove_leftovers(path.parent, path.name)
        write_atomically(path, text.encode(), outlast_power=False)


def _files_named(folder: Path, name: re.Pattern[str]) -> list[Path]:
    """The files of such a name: there may be others, whoever put them there."""
    with suppress(OSError):
        return sorted(path for path in folder.iterdir() if name.fullmatch(path.name))
    return []
