"""Results of former runs in a folder, one file each, named by the key of its node."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from attrs import frozen

FOLDER = "FLOWLAB_STORE"  # names the folder of the store
_SUFFIX = ".safetensors"


@frozen
class Store:
    """A folder of results.

    Kept is what took at least `worth` seconds and has a form in `codec`: trained banks and long analyses.
    Anything else is as quickly computed again.
    """

    folder: Path
    worth: float = 0.1

    @classmethod
    def beside(cls, runs: Path) -> Store:
        """The store of a folder of runs, or the one that the environment names."""
        return cls(Path(os.environ.get(FOLDER) or runs / ".store"))

    def path(self, key: str) -> Path:
        """The file of a key."""
        return self.folder / f"{key}{_SUFFIX}"

    @property
    def quarantine(self) -> Path:
        """Where damaged files go."""
        return self.folder / "quarantine"

    def paths(self) -> list[Path]:
        """The files of all keys."""
        return sorted(self.folder.glob(f"*{_SUFFIX}"))

    def ingredients(self) -> Iterator[tuple[Path, dict[str, Any]]]:
        """What the keys of all results were made of; unchecked, and without what can't be read."""
        from safetensors import safe_open

        for path in self.paths():
            with suppress(Exception):  # a damaged file may break its reader anywhere; who loads it will say so
                with safe_open(path, "pt") as file:
                    text = file.metadata()["ingredients"]
                yield path, json.loads(text)
