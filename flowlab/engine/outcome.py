"""What became of each node of an experiment."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

from attrs import frozen

from flowlab.api import EngineError, Result
from flowlab.engine.format_error import format_error
from flowlab.engine.missing_value import MissingValue
from flowlab.graph.node import Node

Status = Literal["done", "short", "failed", "skipped"]


def status_of(result: Result) -> Status:
    """The status of a node that has a result."""
    return "done" if result.shortfall is None else "short"


@frozen
class Record:
    """One node's end: `short` is done with a shortfall, `skipped` never ran or was interrupted."""

    node: Node
    status: Status
    result: Result | None = None
    message: str = ""
    seconds: float = 0.0
    trace: str = ""  # the traceback of a defect, for --debug
    reused: bool = False  # computed by a former run
    key: str = ""  # in the store, where there is one
    digest: str = ""  # sha256 of the result's content, without a value that can't be stored
    again: Callable[[], Any] | None = None  # gets the value of a result of another process

    @property
    def finished(self) -> bool:
        """Whether there is a result."""
        return self.result is not None

    @property
    def value(self) -> Any:
        """What others receive of the node: what it built, or, of a tool, the component itself."""
        if self.result is None:
            return self.node.component
        if isinstance(self.result.value, MissingValue) and self.again is not None:
            return self.again()
        return self.result.value

    @property
    def metrics(self) -> Mapping[str, Any]:
        """The node's metrics; a tool has none."""
        return self.result.metrics if self.result else {}


Records = dict[Node, Record]


def defect_record(node: Node, error: BaseException, seconds: float = 0.0) -> Record:
    """The record of a node whose component raised this error, which is being handled, and has a defect.

    Other nodes go on, and --debug shows the traceback to the component's author.
    """
    return Record(node, "failed", None, format_error(error), seconds, trace=traceback.format_exc())


def record_without_work(node: Node, sources: Iterable[Node], records: Records) -> Record | None:
    """The record of a node without work: a tool's, or that of one whose inputs are missing."""
    missing = [source.id for source in sources if records[source].status in ("failed", "skipped")]
    if missing:
        return Record(node, "skipped", message=f"needs {', '.join(missing)}")
    return None if node.kind.built else Record(node, "done")


@frozen
class Outcome:
    """The records of an experiment in the graph's order.

    `signal` is the one that cut it short, `lost` says what was lost: executor or store.
    """

    records: tuple[Record, ...]
    seconds: float
    signal: int | None = None
    lost: str = ""

    @property
    def interrupted(self) -> bool:
        """Whether a signal stopped the work."""
        return self.signal is not None

    @property
    def exit_code(self) -> int:
        """0 done, 1 a node failed, 4 executor or store were lost, 128 + signal interrupted."""
        if self.signal is not None:
            return 128 + self.signal
        if self.lost:
            return EngineError.exit_code
        return int(any(record.status == "failed" for record in self.records))

    def of(self, kind: str) -> tuple[Record, ...]:
        """The records of one kind."""
        return tuple(record for record in self.records if record.node.kind.name == kind)
