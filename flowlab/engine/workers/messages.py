"""The work of nodes as text: what another process has to know to do it, and what it says became of each."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cached_property, lru_cache
from pathlib import Path

import attrs
import tomli_w
from attrs import field, frozen

from flowlab.api import EngineError
from flowlab.engine.format_error import format_error
from flowlab.engine.outcome import Status
from flowlab.graph.graph import Graph


@frozen
class RunSpec:
    """What all orders of a run have in common."""

    experiment: str  # TOML
    device: str
    store: str
    checkpoints: str | None

    @classmethod
    def of(cls, graph: Graph, device: str, store: Path, checkpoints: Path | None) -> RunSpec:
        """The job of a graph. Folders are told in full: who works elsewhere has another current one."""
        folder = None if checkpoints is None else str(checkpoints.absolute())
        return cls(tomli_w.dumps(graph.resolved), device, str(store.absolute()), folder)

    @cached_property
    def text(self) -> str:
        """JSON, on one line."""
        return json.dumps(attrs.asdict(self))


@frozen
class NodeBatch:
    """Nodes of a job, to be done one after the other."""

    job: RunSpec
    keys: Mapping[str, str]  # by node: that of its result, as whoever gave the order knows it

    @property
    def text(self) -> str:
        """Two lines of JSON; the first is the whole job, so that there is no file of a run to be found or lost."""
        return f"{self.job.text}\n{json.dumps({'keys': self.keys})}"

    @classmethod
    def read(cls, text: str) -> NodeBatch:
        """An order of its text. Raises EngineError for that of another version."""
        job, _, own = text.partition("\n")
        try:
            return cls(_job(job), **json.loads(own))
        except (ValueError, TypeError) as error:
            raise EngineError(
                f"an order in the words of another version of flowlab: {format_error(error)}"
            ) from error


@lru_cache(maxsize=1)
def _job(text: str) -> RunSpec:
    """A job of its text: the same for order after order, and as long as its sweeps."""
    return RunSpec(**json.loads(text))


@frozen
class NodeReply:
    """What became of a node: its result itself is in the store."""

    status: Status
    digest: str = ""
    seconds: float = 0.0
    message: str = ""
    trace: str = ""
    reused: bool = False
    store_lost: bool = False  # then `message` says how
    warnings: list[str] = field(factory=list)

    @classmethod
    def all(cls, text: str) -> list[NodeReply]:
        """What was said of each node, in text. Raises ValueError, and TypeError for that of another version."""
        return [cls(**one) for one in json.loads(text)]


def dumps(said: Sequence[NodeReply]) -> str:
    """JSON of what became of some nodes."""
    return json.dumps([attrs.asdict(one) for one in said])
