"""A node's result from the store, or computed and stored: what one run asks of a store."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import attrs
from attrs import define, field

from flowlab.api import StoreError
from flowlab.engine.atomic_file import check_writable, remove_leftovers, write_atomically
from flowlab.engine.cache.key import CacheKeys
from flowlab.engine.cache.serialization import (
    SerializedResult,
    deserialize,
    deserialize_without_inputs,
)
from flowlab.engine.cache.storable_classes import StorableClasses
from flowlab.engine.cache.store import STORE_VARIABLE, Store
from flowlab.engine.cache.tensor_file import TensorFile, UnusableFile, key_path, read_tensor_file, to_bytes
from flowlab.engine.checkpoints import Checkpoints
from flowlab.engine.format_error import format_error
from flowlab.engine.inputs import files_read, upstream_nodes
from flowlab.engine.missing_value import MissingValue
from flowlab.engine.outcome import Record, status_of
from flowlab.engine.progress.listener import Listener
from flowlab.graph.node import Node

if TYPE_CHECKING:
    import torch
    from filelock import BaseFileLock

# computes a node from the values of its inputs: its record, and its result in the form that is stored
Compute = Callable[[Node, Mapping[str, Any]], tuple[Record, SerializedResult | None]]

_FATAL_LOSS = 10  # times the seconds from which on a result is stored: losing such work ends a run
_WAYS_OUT = (
    "What the store has is whole, and checkpoints are kept: run again once it can be written, or with another "
    f"folder ({STORE_VARIABLE}), or without a store (--no-store)"
)


@define
class ResultCache:
    """A store as one run uses it.

    What can't be read costs a warning and the time to compute it. What can't be stored ends the run with a
    StoreError: before it begins if it is a training, and for other long work when it is done.
    """

    store: Store
    keys: CacheKeys
    device: torch.device
    listener: Listener
    keep_all: bool = False  # results that are quick to recompute, too, and those without their value
    _writable: bool = False  # as far as this run knows
    _swept: bool = False  # once a run, as it takes a search of the whole folder
    _noted: set[str] = field(factory=set)  # keys and digests of sources that are written down
    _quick: set[str] = field(factory=set)  # declared nodes whose last setting took almost no time to compute

    def get_or_compute(
        self, compute: Compute, checkpoints: Checkpoints | None, node: Node, inputs: Mapping[str, Any]
    ) -> Record:
        """The record of a node with these inputs, computed unless the store has its whole result.

        Checkpoints of a node that is computed are removed once its result is stored. Raises StoreError.
        """
        path = self._path(node)
        stored = None if path is None else self._load(node, path, inputs)
        if stored is not None and not isinstance(stored.value, MissingValue):
            return stored
        if path is None:
            record, _ = compute(node, inputs)
        elif stored is None:
            record = self._compute_exclusively(compute, node, path, inputs)
        else:  # each run has to compute such a value for itself
            record = attrs.evolve(compute(node, inputs)[0], key=path.stem)
            if record.finished and record.digest != stored.digest:
                what = f"the result differs from the one stored in {path}"
                self.listener.warned(f"{node.id}: computed again, and {what}")
        if checkpoints is not None and record.finished and not record.reused:
            checkpoints.clear(node)
        return record

    def load_without_inputs(self, node: Node) -> Record | None:
        """What the store has of a node; a value that can only be had with the node's inputs is missing."""
        path = self._path(node)
        return None if path is None else self._load(node, path, None)

    def _path(self, node: Node) -> Path | None:
        """The file of a node's result; None, after a warning, where the node has no key."""
        try:
            return key_path(self.store.folder, self.keys.of(node))
        except Exception as error:  # a component's own validators may have made anything of a parameter
            self.listener.warned(f"{node.id} has no key: {format_error(error)}; it is computed and not kept")
            return None

    def _load(self, node: Node, path: Path, inputs: Mapping[str, Any] | None) -> Record | None:
        """A stored result, None where there is none that can be used; without inputs if `inputs` is None."""
        start = perf_counter()
        try:
            content = read_tensor_file(path, path.stem)
            stored = SerializedResult(content.labels["result"], content.tensors)
            if inputs is None:
                result = deserialize_without_inputs(stored, self.device, StorableClasses(node))
            else:
                result = deserialize(stored, inputs, self.device, StorableClasses(node))
        except FileNotFoundError:
            return None
        except Exception as error:
            reason = str(error) if isinstance(error, UnusableFile) else format_error(error)
            self.listener.warned(f"{path}: {reason}; {node.id} is computed again{self._quarantine(path)}")
            return None
        with suppress(OSError):
            os.utime(path)  # the time of its last use
        seconds, digest = perf_counter() - start, content.labels["digest"]
        return Record(node, status_of(result), result, "", seconds, reused=True, key=path.stem, digest=digest)

    def _quarantine(self, path: Path) -> str:
        """Move a damaged file out of the way; the end of a sentence that says so."""
        try:
            self.store.quarantine.mkdir(exist_ok=True)
            path.replace(self.store.quarantine / path.name)
        except OSError as error:
            return f", and the file stays: {format_error(error)}"
        return f", and the file is now in {self.store.quarantine}"

    def _compute_exclusively(self, compute: Compute, node: Node, path: Path, inputs: Mapping[str, Any]) -> Record:
        """The result of another run that computes the same at this moment, or computed here. Raises StoreError."""
        if node.declared in self._quick:  # computing it twice does no harm, and a lock takes longer than that
            return self._compute(compute, node, path, inputs)
        with self._exclusive(node, path):
            stored = self._load(node, path, inputs) if path.exists() else None
            if stored is not None and not isinstance(stored.value, MissingValue):
                return stored
            return self._compute(compute, node, path, inputs)

    def _compute(self, compute: Compute, node: Node, path: Path, inputs: Mapping[str, Any]) -> Record:
        """Compute a node and store its result if it is worth that. Raises StoreError."""
        if self.keep_all or is_trained(node):
            self._require_writable(node, path)
        record, serialized = compute(node, inputs)
        record = attrs.evolve(record, key=path.stem)
        (self._quick.add if self._is_quick(record) else self._quick.discard)(node.declared)
        if serialized is not None:
            self._save(path, record, serialized)
        return record

    def _save(self, path: Path, record: Record, serialized: SerializedResult) -> None:
        required = self.keep_all or (serialized.whole and is_trained(record.node))
        if not required and (self._is_quick(record) or not serialized.whole):
            return
        try:
            labels = {
                "result": serialized.text,
                "ingredients": self.keys.ingredients(record.node),
                "seconds": f"{record.seconds:.3f}",
                "digest": record.digest,
            }
            content = to_bytes(path.stem, TensorFile(labels, serialized.tensors))
        except Exception as error:
            self.listener.warned(f"{path}: {format_error(error)}; {record.node.id} is not kept for later runs")
            return
        try:
            self._note_ingredients(record.node)
            # without fsync a power cut may tear the file, which its checksum shows
            write_atomically(path, content, outlast_power=not self._is_quick(record))
        except OSError as error:
            fault = f"{path}: can't be written: {error.strerror or error}; {len(content):,} bytes are needed"
            # whether a run fails must not depend on whether a tenth of a second was a little more
            if not required and record.seconds < _FATAL_LOSS * self.store.worth:
                self.listener.warned(f"{fault}; {record.node.id} is not kept for later runs")
                return
            raise StoreError(f"{fault} to keep {record.node.id}. {_WAYS_OUT}") from error
        if not self._swept:
            remove_leftovers(path.parent)
            self._swept = True

    def _note_ingredients(self, node: Node) -> None:
        """Write down what the keys of a node and its ancestors are made of, for `flowlab explain`.

        Raises OSError.
        """
        stack = [node]
        while stack:
            ancestor = stack.pop()
            key, sources = self.keys.of(ancestor), self.keys.digests.sources(ancestor.entry)
            if key in self._noted:
                continue
            if sources.digest not in self._noted:
                self.store.write_modules(sources.digest, sources.modules)
            if ancestor is not node:  # a result says what it is made of
                self.store.write_ingredients(key, self.keys.ingredients(ancestor))
                self._noted.add(key)
            self._noted.add(sources.digest)
            stack += upstream_nodes(ancestor)

    def _is_quick(self, record: Record) -> bool:
        """Whether it is computed again as quickly as it is read, and without files that may be gone by then."""
        node = record.node
        return record.seconds < self.store.worth and not is_trained(node) and not files_read(node.component)

    def _require_writable(self, node: Node, path: Path) -> None:
        """Raise StoreError where nothing can be written; asked once a run."""
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
    def _exclusive(self, node: Node, path: Path) -> Iterator[None]:
        """Wait for a run that computes the same node; go on without that where no file can be locked."""
        from filelock import FileLock

        lock = FileLock(path.with_suffix(".lock"))
        locked = self._acquire(lock, node)
        try:
            yield
        finally:
            if locked:
                # removed before it is released: a run that waits for this very file then finds the result, and
                # one that comes later makes a new file
                with suppress(OSError):
                    Path(lock.lock_file).unlink()
                lock.release()

    def _acquire(self, lock: BaseFileLock, node: Node) -> bool:
        """Wait for a lock; whether it could be had."""
        from filelock import Timeout

        try:
            Path(lock.lock_file).parent.mkdir(parents=True, exist_ok=True)
            try:
                lock.acquire(blocking=False)
            except Timeout:
                self.listener.warned(f"{node.id}: another run computes it; waiting for that")
                lock.acquire()
        except (OSError, NotImplementedError):
            return False
        return True


def is_trained(node: Node) -> bool:
    """Whether its result is trained, and so stored however quickly it was computed."""
    return any(source.kind.name == "optimizer" for source in upstream_nodes(node))
