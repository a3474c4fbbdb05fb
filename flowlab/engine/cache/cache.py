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
from flowlab.engine.atomic_file import probe, replace, sweep
from flowlab.engine.cache.key import Keys
from flowlab.engine.cache.serialization import Encoded, Lost, decode, decode_alone
from flowlab.engine.cache.store import FOLDER, Store
from flowlab.engine.cache.tensor_file import Content, Unusable, read, sealed
from flowlab.engine.format_error import one_line
from flowlab.engine.inputs import sources
from flowlab.engine.outcome import Record, status_of
from flowlab.engine.progress.listener import Listener
from flowlab.graph.node import Node

if TYPE_CHECKING:
    import torch

Computed = tuple[Record, Encoded | None]  # a node's record, and its result as it is kept


_LOSS = 10  # times what is worth keeping: whose loss ends a run
_WAYS_OUT = (
    "What the store has is whole, and checkpoints are kept: run again once it can be written, or with another "
    f"folder ({FOLDER}), or without a store (--no-store)"
)


@define
class Recall:
    """A store in the hands of a run.

    What can't be read costs a warning and the time. What can't be kept ends the run with a StoreError: for a
    training before it begins, for other long work when it is lost.
    """

    store: Store
    keys: Keys
    device: torch.device
    listener: Listener
    all_kept: bool = False  # what is quickly computed again, too, and what has no value on disk
    _writable: bool = False  # as far as is known
    _swept: bool = False  # once a run: a search of the whole folder
    _told: set[str] = field(factory=set)  # digests of sources whose modules are written down
    _quick: set[str] = field(factory=set)  # declared nodes of which the last setting was computed in no time

    def record(self, node: Node, given: Mapping[str, Any], compute: Callable[[], Computed]) -> Record:
        """The record of a node with these inputs, computed unless the store has its whole result.

        Raises StoreError.
        """
        path = self._path(node)
        if path is None:
            record, _ = compute()
            return record
        # it costs more than such a node does, and two runs that compute one at once do no harm
        with nullcontext() if node.declared in self._quick else self._turn(path, node):
            found = self._found(path, node, lambda encoded: decode(encoded, given, self.device))
            if found is None:
                if self.all_kept or _trains(node):
                    self._require(path, node)
                record, encoded = compute()
                record = attrs.evolve(record, key=path.stem)
                (self._quick.add if self._cheap(record) else self._quick.discard)(node.declared)
                if encoded is not None:
                    self._keep(path, record, encoded)
                return record
        if not isinstance(found.value, Lost):
            return found
        record, _ = compute()  # whoever needs such a value computes it: there is nobody to wait for
        if record.finished and record.digest != found.digest:
            self.listener.warned(f"{node.id}: computed again, it is not what is stored in {path}")
        return attrs.evolve(record, key=path.stem)

    def alone(self, node: Node) -> Record | None:
        """What the store has of a node, without a value that takes the node's inputs to be had."""
        path = self._path(node)
        if path is None:
            return None
        return self._found(path, node, lambda encoded: decode_alone(encoded, self.device))

    def _path(self, node: Node) -> Path | None:
        try:
            return self.store.path(self.keys.of(node))
        except Exception as error:  # a component's own validators may have made anything of a parameter
            self.listener.warned(f"{node.id} has no key: {one_line(error)}; it is computed and not kept")
            return None

    def _found(self, path: Path, node: Node, decoded: Callable[[Encoded], Result]) -> Record | None:
        start = perf_counter()
        try:
            content = read(path, path.stem)
            result = decoded(Encoded(content.labels["result"], content.tensors))
        except FileNotFoundError:
            return None
        except Exception as error:
            reason = str(error) if isinstance(error, Unusable) else one_line(error)
            self.listener.warned(f"{path}: {reason}; {node.id} is computed again{self._set_aside(path)}")
            return None
        with suppress(OSError):
            os.utime(path)  # when it was last used
        seconds, digest = perf_counter() - start, content.labels["digest"]
        return Record(node, status_of(result), result, "", seconds, reused=True, key=path.stem, digest=digest)

    def _set_aside(self, path: Path) -> str:
        try:
            self.store.quarantine.mkdir(exist_ok=True)
            path.replace(self.store.quarantine / path.name)
        except OSError as error:
            return f", and the file stays: {one_line(error)}"
        return f", and the file is now in {self.store.quarantine}"

    def _keep(self, path: Path, record: Record, encoded: Encoded) -> None:
        certainly = self.all_kept or (encoded.whole and _trains(record.node))
        if not certainly and (self._cheap(record) or not encoded.whole):
            return
        try:
            labels = {
                "result": encoded.text,
                "ingredients": self.keys.ingredients(record.node),
                "seconds": f"{record.seconds:.3f}",
                "digest": record.digest,
            }
            content = sealed(path.stem, Content(labels, encoded.tensors))
        except Exception as error:
            self.listener.warned(f"{path}: {one_line(error)}; {record.node.id} is not kept for later runs")
            return
        try:
            for digest in self.keys.modules.keys() - self._told:
                self.store.tell(digest, self.keys.modules[digest])
                self._told.add(digest)
            replace(path, content, outlast_power=not self._cheap(record))  # the seal tells what a power cut tore
        except OSError as error:
            fault = f"{path}: can't be written: {error.strerror or error}; {len(content):,} bytes are needed"
            # a run that finds all else must not hang on whether a tenth of a second was a little more
            if not certainly and record.seconds < _LOSS * self.store.worth:
                self.listener.warned(f"{fault}; {record.node.id} is not kept for later runs")
                return
            raise StoreError(f"{fault} to keep {record.node.id}. {_WAYS_OUT}") from error
        if not self._swept:
            sweep(path.parent)
            self._swept = True

    def _cheap(self, record: Record) -> bool:
        """Whether it is as soon computed again."""
        return record.seconds < self.store.worth and not _trains(record.node)

    def _require(self, path: Path, node: Node) -> None:
        """Raise StoreError where nothing can be written, asked once a run."""
        if self._writable:
            return
        try:
            probe(path)
        except OSError as error:
            fault = f"{path.parent}: can't be written: {error.strerror or error}"
            raise StoreError(
                f"{fault}; {node.id} is not trained, for it could not be kept. {_WAYS_OUT}"
            ) from error
        self._writable = True

    @contextmanager
    def _turn(self, path: Path, node: Node) -> Iterator[None]:
        """Wait for a run that computes the same, so that it is done once; go on where no file can be locked."""
        release = self._locked(path.with_suffix(".lock"), node)
        try:
            yield
        finally:
            release()

    def _locked(self, path: Path, node: Node) -> Callable[[], None]:
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


def _trains(node: Node) -> bool:
    """Whether its result is trained: kept however soon it was found."""
    return any(source.kind.name == "optimizer" for source in sources(node))
