"""What the run and its workers send each other, as JSON text: what to do, and what became of each node."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import tomli_w
from attrs import field, frozen

from flowlab.engine.format_error import format_error
from flowlab.engine.outcome import Status
from flowlab.graph.graph import Graph
from flowlab.spec.converter import structure, unstructure

T = TypeVar("T")


class MessageError(Exception):
    """A text that is no message of this version of flowlab; its own text says why."""


@frozen
class RunSpec:
    """What a worker knows of a run before its first batch: a pool that can sends it to each process once."""

    experiment: str  # TOML
    device: str
    store: str
    checkpoints: str | None
    folder: str = ""  # at which relative paths of the experiment start

    @classmethod
    def of(cls, graph: Graph, device: str, store: Path, checkpoints: Path | None) -> RunSpec:
        """The spec of a graph's run. Paths are absolute: a worker may have another current folder."""
        folder = None if checkpoints is None else str(checkpoints.absolute())
        experiment = tomli_w.dumps(graph.resolved)
        return cls(experiment, device, str(store.absolute()), folder, str(graph.folder.absolute()))


@frozen
class NodeBatch:
    """Nodes to be done one after the other: by node, the key of its result as the run knows it."""

    keys: Mapping[str, str]


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


def dump_message(message: RunSpec | NodeBatch) -> str:
    """The text of a message."""
    return json.dumps(unstructure(message))


def dump_replies(replies: Sequence[NodeReply]) -> str:
    """The text of the answer to a batch: a reply for each node, or one for all if the batch was not understood."""
    return json.dumps(unstructure(list(replies)))


def load_message(text: str, shape: type[T]) -> T:
    """The message of a text. Raises MessageError."""
    try:
        data = json.loads(text)
        message = structure(data, shape)
    except Exception as error:  # a text of any kind: its reader may break anywhere
        raise MessageError(format_error(error)) from error
    if unstructure(message) != data:  # its defaults stand for what is missing
        raise MessageError(f"it has other keys than {shape}")
    return message


def load_replies(text: str) -> list[NodeReply]:
    """The replies of an answer. Raises MessageError."""
    return load_message(text, list[NodeReply])
