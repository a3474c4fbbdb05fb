"""The checkpoints of a run: who saves where and when, and what is said of it."""

from __future__ import annotations

import hashlib
import math
import os
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from attrs import define, field, frozen

from flowlab.engine.atomic_file import remove_leftovers
from flowlab.engine.cache.key import CacheKeys
from flowlab.engine.cache.tensor_file import (
    SUFFIX,
    TensorFile,
    UnusableFile,
    read_tensor_file,
    write_tensor_file,
)
from flowlab.engine.format_error import format_error
from flowlab.engine.progress.listener import Listener
from flowlab.graph.node import Node

if TYPE_CHECKING:
    from torch import Tensor

_NAME = re.compile(r"[A-Za-z0-9_.-]{1,60}")


@frozen
class Checkpoints:
    """The folder of a run's checkpoints, and the seconds between two saves of a node."""

    folder: Path
    every: float = 10.0

    def sweep(self) -> None:
        """Remove what a killed run left half-written."""
        remove_leftovers(self.folder)

    def of(self, node: Node, keys: CacheKeys, listener: Listener) -> NodeCheckpoint:
        """The checkpoint of a node that begins now."""
        return NodeCheckpoint(self, node, keys, listener)

    def path(self, node: Node, name: str) -> Path:
        """The file of a node's part."""
        return self.folder / f"{node.kind.name}.{node.name}.{name}.{_short_hash(node)}{SUFFIX}"

    def clear(self, *nodes: Node) -> None:
        """Remove the files of some nodes, and the folder if it is empty then."""
        try:
            names = os.listdir(self.folder)
        except OSError:  # nothing was ever saved
            return
        owners = {_short_hash(node) for node in nodes}
        with suppress(OSError):
            for name in names:
                if name.endswith(SUFFIX) and name.removesuffix(SUFFIX).rpartition(".")[2] in owners:
                    (self.folder / name).unlink()
            self.folder.rmdir()


@define
class NodeCheckpoint:
    """A node's Checkpoint: files that only the node's key opens."""

    place: Checkpoints
    node: Node
    keys: CacheKeys
    listener: Listener
    _due: float = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._due = monotonic() + self.place.every

    def load(self, name: str) -> Mapping[str, Tensor] | None:
        """What was saved last; says what it finds. Raises ValueError for a name that makes no file."""
        path = self._path(name)
        try:
            saved = read_tensor_file(path, self.keys.of(self.node))
        except FileNotFoundError:
            return None
        except UnusableFile as error:
            self.listener.warned(f"{path}: {error}; {self.node.id} starts anew")
            return None
        self.listener.resumed(int(saved.labels["done"]), int(saved.labels["total"]))
        return saved.tensors

    def save(self, name: str, done: int, total: int, state: Callable[[], Mapping[str, Tensor]]) -> None:
        """Save the state if it is time to. A file that can't be written costs a warning, not the work."""
        if monotonic() < self._due:
            return
        path, saved = self._path(name), TensorFile({"done": str(done), "total": str(total)}, state())
        try:
            write_tensor_file(path, self.keys.of(self.node), saved)
        except Exception as error:
            self.listener.warned(f"{path}: {format_error(error)}; {self.node.id} goes on without checkpoints")
            self._due = math.inf
        else:
            self._due = monotonic() + self.place.every

    def _path(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise ValueError(f"a checkpoint's name is 1 to 60 letters, digits, '_', '-' or '.', found {name!r}")
        return self.place.path(self.node, name)


def _short_hash(node: Node) -> str:
    """A mark of a node's id, whatever swept values are part of it."""
    return hashlib.sha256(node.id.encode()).hexdigest()[:12]
