"""A node's work as text: what another process has to know to do it, and what it says became of it."""

from __future__ import annotations

import json
from pathlib import Path

import attrs
import tomli_w
from attrs import field, frozen

from flowlab.engine.outcome import Status
from flowlab.graph.graph import Graph


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


@frozen
class Order:
    """One node of a job; `key` is that of its result, as whoever gave the order knows it."""

    job: Job
    node: str
    key: str

    @property
    def text(self) -> str:
        """JSON; with the whole job, a few kilobytes, so that there is no file of a run to be found or lost."""
        return json.dumps(attrs.asdict(self))

    @classmethod
    def read(cls, text: str) -> Order:
        """An order of its text. Raises ValueError, and TypeError or KeyError for that of another version."""
        data = json.loads(text)
        return cls(Job(**data.pop("job")), **data)


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
        """What was said in text. Raises ValueError, and TypeError for that of another version."""
        return cls(**json.loads(text))
