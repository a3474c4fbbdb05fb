"""A node's result from the store, or computed and kept there: one run's dealings with it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import attrs
from attrs import define, field

from flowlab.api import Result, StoreError
from flowlab.engine.atomic_file import check_writable, remove_leftovers, write_atomically
from flowlab.engine.cache.key import CacheKeys
from flowlab.engine.cache.serialization import (
    MissingValue,
    SerializedResult,
    deserialize,
    deserialize_without_inputs,
)
from flowlab.engine.cache.storable_classes import StorableClasses
from flowlab.engine.cache.store import STORE_VARIABLE, Store
from flowlab.engine.cache.tensor_file import TensorFile, UnusableFile, read_tensor_file, to_bytes
from flowlab.engine.format_error import format_error
from flowlab.engine.inputs import upstream_nodes
from flowlab.engine.outcome import Record, status_of
from flowlab.engine.progress.listener import Listener
from flowlab.graph.node import Node

if TYPE_CHECKING:
    import torch

Computed = tuple[Record, SerializedResult | None]  # a node's record, and its result as it is kept


_LOSS = 10  # times what is worth keeping: whose loss ends a run
_WAYS_OUT = (
    "What the store has is whole, and checkpoints are kept: run again once it can be written, or with another "
    f"folder ({STORE_VARIABLE}), or without a store (--no-store)"
)


@define
class ResultCache:
    """A store in the hands of a run.

    What can't be read costs a warning and the time. What can't be kept ends the run with a StoreError: for a
    training before it begins, for other long work when it is lost.
    """

    store: Store
    keys: CacheKeys
    device: torch.device
    listener: Listener
    keep_all: bool = False  # what is quickly computed again, too, and what has no value on disk
    _writable: bool = False  # as far as is known
    _swept: bool = False  # once a run: a search of the whole folder
    _warned: set[str] = field(factory=set)  # digests of sources whose modules are written down
    _quick_nodes: set[str] = field(factory=set)  # declared nodes of which the last setting was computed in no time

    def get_or_compute(self, node: Node, given: Mapping[str, Any], compute: Callable[[], Computed]) -> Record:
        """The record of a node with these inputs, computed unless the store has its whole result.

        Raises StoreError.
        """
        path = self._path(node)
        if path is None:
            record, _ = compute()
            return record
        # it costs more than such a node does, and two runs that compute one at once do no harm
        with nullcontext() if node.declared in self._quick_nodes else self._exclusive(path, node):
            found = self._load(
                path, node, lambda encoded: deserialize(encoded, given, self.device, StorableClasses(node))
            )
            if found is None:
                if self.keep_all or _is_trained(node):
                    self._require_writable(path, node)
                record, encoded = compute()
                record = attrs.evolve(record, key=path.stem)
                (self._quick_nodes.add if self._is_quick(record) else self._quick_nodes.discard)(node.declared)
                if encoded is not None:
                    self._save(path, record, encoded)
                return record
        if not isinstance(found.value, MissingValue):
            return found
        record, _ = compute()  # whoever needs such a value computes it: there is nobody to wait for
        if record.finished and record.digest != found.digest:
            self.listener.warned(f"{node.id}: computed again, it is not what is stored in {path}")
        return attrs.evolve(record, key=path.stem)

    def load_without_inputs(self, node: Node) -> Record | None:
        """What the store has of a node, without a value that takes the node's inputs to be had."""
        path = self._path(node)
        if path is None:
            return None
        return self._load(
            path, node, lambda encoded: deserialize_without_inputs(encoded, self.device, StorableClasses(node))
        )

    def _path(self, node: Node) -> Path | None:
        try:
            return self.store.path(self.keys.of(node))
        except Exception as error:  # a component's own validators may have made anything of a parameter
            self.listener.warned(f"{node.id} has no key: {format_error(error)}; it is computed and not kept")
            return None

    def _load(self, path: Path, node: Node, decoded: Callable[[SerializedResult], Result]) -> Record | None:
        start = perf_counter()
        try:
            content = read_tensor_file(path, path.stem)
            result = decoded(SerializedResult(content.labels["result"], content.tensors))
        except FileNotFoundError:
            return None
        except Exception as error:
            reason = str(error) if isinstance(error, UnusableFile) else format_error(error)
            self.listener.warned(f"{path}: {reason}; {node.id} is computed again{self._quarantine(path)}")
            return None
        with suppress(OSError):
            os.utime(path)  # when it was last used
        seconds, digest = perf_counter() - start, content.labels["digest"]
        return Record(node, status_of(result), result, "", seconds, reused=True, key=path.stem, digest=digest)

    def _quarantine(self, path: Path) -> str:
        try:
            self.store.quarantine.mkdir(exist_ok=True)
            path.replace(self.store.quarantine / path.name)
        except OSError as error:
            return f", and the file stays: {format_error(error)}"
        return f", and the file is now in {self.store.quarantine}"

    def _save(self, path: Path, record: Record, encoded: SerializedResult) -> None:
        certainly = self.keep_all or (encoded.whole and _is_trained(record.node))
        if not certainly and (self._is_quick(record) or not encoded.whole):
            return
        try:
            labels = {
                "result": encoded.text,
                "ingredients": self.keys.ingredients(record.node),
                "seconds": f"{record.seconds:.3f}",
                "digest": record.digest,
            }
            content = to_bytes(path.stem, TensorFile(labels, encoded.tensors))
        except Exception as error:
            self.listener.warned(f"{path}: {format_error(error)}; {record.node.id} is not kept for later runs")
            return
        try:
            for digest in self.keys.modules.keys() - self._warned:
                self.store.write_modules(digest, self.keys.modules[digest])
                self._warned.add(digest)
            write_atomically(
                path, content, outlast_power=not self._is_quick(record)
            )  # the seal tells what a power cut tore
        except OSError as error:
            fault = f"{path}: can't be written: {error.strerror or error}; {len(content):,} bytes are needed"
            # a run that finds all else must not hang on whether a tenth of a second was a little more
            if not certainly and record.seconds < _LOSS * self.store.worth:
                self.listener.warned(f"{fault}; {record.node.id} is not kept for later runs")
                return
            raise StoreError(f"{fault} to keep {record.node.id}. {_WAYS_OUT}") from error
        if not self._swept:
            remove_leftovers(path.parent)
            self._swept = True

    def _is_quick(self, record: Record) -> bool:
        """Whether it is as soon computed again."""
        return record.seconds < self.store.worth and not _is_trained(record.node)

    def _require_writable(self, path: Path, node: Node) -> None:
        """Raise StoreError where nothing can be written, asked once a run."""
        if self._writable:
            return
        try:
            check_writable(path)
        except OSError as error:
            fault = f"{path.parent}: can't be written: {error.strerror or error}"
            raise StoreError(
                f"{fault}; {node.id} is not trained, for it could not be kept. {_WAYS_OUT}"
            ) from error
        self._writable = True

    @contextmanager
    def _exclusive(self, path: Path, node: Node) -> Iterator[None]:
        """Wait for a run that computes the same, so that it is done once; go on where no file can be locked."""
        release = self._acquire(path.with_suffix(".lock"), node)
        try:
            yield
        finally:
            release()

    def _acquire(self, path: Path, node: Node) -> Callable[[], None]:
        from filelock import FileLock, Timeout

        lock = FileLock(path)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                lock.acquire(blocking=False)
            except Timeout:
                self.listener.warned(f"{node.id}: another run computes it; waiting for that")
                lock.acquire()
        except (OSError, NotImplementedError):
            return lambda: None

        def release() -> None:
            # first: who waits for this very file then finds the result, and who comes later makes a new one
            with suppress(OSError):
                path.unlink()
            lock.release()

        return release


def _is_trained(node: Node) -> bool:
    """Whether its result is trained: kept however soon it was found."""
    return any(source.kind.name == "optimizer" for source in upstream_nodes(node))
