"""A node's work as text: what another process has to know to do it, and what it says became of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import attrs
import tomli_w
from attrs import field, frozen

from flowlab.engine.outcome import Status
from flowlab.engine.whole_file import replace, sweep
from flowlab.graph.graph import Graph

FOLDER = "jobs"  # within a store


@frozen
class Job:
    """What all orders of a run have in common."""

    experiment: str  # TOML
    device: str
    store: str
    checkpoints: str | None

    @classmethod
    def of(cls, graph: Graph, device: str, store: Path, checkpoints: Path | None) -> Job:
        """The job of a graph. Folders are told in full: who works elsewhere has another current one."""
        folder = None if checkpoints is None else str(checkpoints.absolute())
        return cls(tomli_w.dumps(graph.resolved), device, str(store.absolute()), folder)

    @classmethod
    def read(cls, path: Path) -> Job:
        """A job from its file. Raises OSError, and ValueError for a file that isn't what its name says."""
        content = path.read_bytes()
        if hashlib.sha256(content).hexdigest() != path.stem:
            raise ValueError(f"{path}: damaged: its content does not match its name")
        return cls(**json.loads(content))

    @contextmanager
    def posted(self) -> Iterator[Path]:
        """Its file in the store, within. Raises OSError."""
        content = json.dumps(attrs.asdict(self)).encode()
        path = Path(self.store) / FOLDER / f"{hashlib.sha256(content).hexdigest()}.json"
        sweep(path.parent)
        replace(path, content)
        try:
            yield path
        finally:
            with suppress(OSError):  # another run of the same may be at work: it then posts its own again
                path.unlink()


@frozen
class Order:
    """One node of a job; `key` is that of its result, as whoever gave the order knows it."""

    job: str
    node: str
    key: str

    @property
    def text(self) -> str:
        """JSON."""
        return json.dumps(attrs.asdict(self))

    @classmethod
    def read(cls, text: str) -> Order:
        """An order of its text."""
        return cls(**json.loads(text))


@frozen
class Said:
    """What became of a node: its result itself is in the store."""

    status: Status
    digest: str = ""
    seconds: float = 0.0
    message: str = ""
    trace: str = ""
    reused: bool = False
    store_lost: bool = False  # then `message` says how
    warnings: list[str] = field(factory=list)

    @property
    def text(self) -> str:
        """JSON."""
        return json.dumps(attrs.asdict(self))

    @classmethod
    def read(cls, text: str) -> Said:
        """What was said in text."""
        return cls(**json.loads(text))
