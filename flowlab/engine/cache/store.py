"""Results of former runs in a folder, one file each, named by the key of its node."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from attrs import frozen

from flowlab.engine.atomic_file import remove_leftovers, write_atomically
from flowlab.engine.cache.key import expand_ingredients

STORE_VARIABLE = "FLOWLAB_STORE"  # names the folder of the store
_SUFFIX = ".safetensors"
_RESULT = re.compile(rf"[0-9a-f]{{64}}{re.escape(_SUFFIX)}")
_LEFT = re.compile(rf"[0-9a-f]{{64}}\.lock|\.{_RESULT.pattern}\.[0-9a-f]{{8}}\.\d+\.tmp")


@frozen
class Store:
    """A folder of results.

    Kept is what can be serialized, and was trained or took at least `worth` seconds: banks and long analyses.
    Anything else is as quickly computed again.
    """

    folder: Path
    worth: float = 0.1

    @classmethod
    def beside(cls, runs: Path) -> Store:
        """The store of a folder of runs, or the one that the environment names."""
        return cls(Path(os.environ.get(STORE_VARIABLE) or runs / ".store"))

    def path(self, key: str) -> Path:
        """The file of a key."""
        return self.folder / f"{key}{_SUFFIX}"

    @property
    def quarantine(self) -> Path:
        """Where damaged files go."""
        return self.folder / "quarantine"

    def result_files(self) -> list[Path]:
        """The files of all keys."""
        return _files_named(self.folder, _RESULT)

    def damaged_files(self) -> list[Path]:
        """The files in quarantine."""
        return _files_named(self.quarantine, _RESULT)

    def modules_path(self, digest: str) -> Path:
        """The file of a package's sources, module by module: what results tell of them is one digest."""
        return self.folder / "sources" / f"{digest}.json"

    def write_modules(self, digest: str, modules: Mapping[str, str]) -> None:
        """Write down the modules of a package's sources, unless that was done. Raises OSError."""
        path = self.modules_path(digest)
        if not path.exists():
            remove_leftovers(path.parent, path.name)
            write_atomically(path, json.dumps(modules, sort_keys=True).encode())

    def modules(self, digest: str) -> dict[str, str]:
        """The modules of a package's sources by their digest; none where that isn't known any more."""
        try:
            found: dict[str, str] = json.loads(self.modules_path(digest).read_bytes())
        except (OSError, ValueError):
            return {}
        return found

    def leftovers(self) -> list[Path]:
        """What killed runs left behind, or runs at work still need: locks and half-written files."""
        return _files_named(self.folder, _LEFT)

    def all_ingredients(self) -> Iterator[tuple[Path, dict[str, Any]]]:
        """What the key of each result was made of; unchecked, and without the files that can't be read."""
        from safetensors import safe_open

        for path in self.result_files():
            with suppress(Exception):  # a damaged file may break its reader anywhere; who loads it will say so
                with safe_open(path, "pt") as file:
                    text = file.metadata()["ingredients"]
                yield path, expand_ingredients(text, self.modules)


def _files_named(folder: Path, name: re.Pattern[str]) -> list[Path]:
    """The files of such a name: there may be others, whoever put them there."""
    with suppress(OSError):
        return sorted(path for path in folder.iterdir() if name.fullmatch(path.name))
    return []
