"""A run read back from its lock and its summary."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from attrs import frozen

from flowlab.api import ExperimentError, Problem
from flowlab.graph.graph import Graph, build_graph
from flowlab.output.jsonable import format_utc
from flowlab.output.run_folder import LOCK, SUMMARY
from flowlab.provenance.environment import Environment
from flowlab.provenance.summary import RunSummary, parse_summary
from flowlab.provenance.write_lock import CHECKSUM, checksum
from flowlab.registry.registry import Registry
from flowlab.spec.document import Document, read_document
from flowlab.spec.overrides import TRACKER, apply_overrides
from flowlab.spec.settings import MAX_THREADS as MOST_THREADS

_MOST_BYTES = 1 << 24  # 30,000 nodes


@frozen
class LockedNode:
    """A node's end in a lock; without a digest it has no result."""

    status: str
    key: str | None
    digest: str | None
    inputs: Mapping[str, str]


@frozen
class LockFile:
    """A lock read back: its run's experiment, environment, nodes by id, and the digests of its files.

    The experiment's places are places in the lock.

    The experiment is without trackers: they change nothing, and who reads the lock need not have them. A lock from
    before there were digests has no nodes.
    """

    path: Path
    name: str
    date: str
    environment: Environment
    nodes: Mapping[str, LockedNode]
    files: Mapping[str, str]
    experiment: Document

    @classmethod
    def read(cls, path: Path) -> LockFile:
        """The lock of a run's folder, or a lock file. Raises ExperimentError for one that no run wrote so."""
        path = _find_lock(path)
        document = read_document(path, _MOST_BYTES)
        if {CHECKSUM, "nodes", "files"} & document.data.keys() and document.data.get(CHECKSUM) != checksum(
            document.data
        ):
            raise _refuse(document, "cut short or changed since a run wrote it: its sha256 is another", CHECKSUM)
        reader = _LockReader(document)
        if CHECKSUM not in document.data and {"experiment", "run"} & document.data.keys() == {"experiment"}:
            raise _refuse(document, f"no lock, but an experiment: expected the folder of its run, or its {LOCK}")
        reader.table("experiment")
        return cls(
            path,
            reader.name(),
            reader.date(),
            reader.environment(),
            reader.nodes(),
            reader.texts("files"),
            document.below("experiment").without(TRACKER),
        )

    @property
    def folder(self) -> Path | None:
        """The run's folder, of a lock that stands in one."""
        return self.path.parent if self.path.name == LOCK else None

    def graph(self, registry: Registry, settings: Sequence[str] = ()) -> Graph:
        """Its experiment with today's components. Raises ExperimentError, PluginError."""
        return build_graph(apply_overrides(self.experiment, settings), registry)

    def summary(self) -> RunSummary | None:
        """What the run's summary says, None without one. Raises ExperimentError for one that it didn't write."""
        content = self._content(SUMMARY)
        return None if content is None else parse_summary(self.path.with_name(SUMMARY), content)

    def require_summary(self) -> RunSummary:
        """The same, of a run that must have one. Raises ExperimentError."""
        found = self.summary()
        if found is None:
            rule = f"expected the folder of a finished run: there is no {SUMMARY} beside its {LOCK}"
            raise ExperimentError([Problem(str(self.path), rule)])
        return found

    def check_files(self) -> None:
        """Raise ExperimentError for tables and figures that are not as the run wrote them; they may be absent."""
        problems: list[Problem] = []
        for name in self.files:
            try:
                self._content(name)
            except ExperimentError as error:
                problems += error.problems
        if problems:
            raise ExperimentError(problems)

    def _content(self, name: str) -> bytes | None:
        """A file of the run, if it is there."""
        path = self.path.parent / name
        if self.folder is None or not path.is_file():
            return None
        try:
            content = path.read_bytes()
        except OSError as error:
            raise ExperimentError([Problem(str(path), error.strerror or str(error))]) from error
        if hashlib.sha256(content).hexdigest() != self.files.get(name, "") and self.files:
            raise ExperimentError([Problem(str(path), f"not as its run wrote it: {self.path} has another sha256")])
        return content


@frozen
class _LockReader:
    """Typed reading of a lock; each raises ExperimentError for a value of another type."""

    document: Document

    def name(self) -> str:
        return self._text(self.table("experiment", "experiment").get("name"), "experiment", "experiment", "name")

    def date(self) -> str:
        date = self.table("run").get("date")
        return format_utc(date) if isinstance(date, datetime) else "-"

    def environment(self) -> Environment:
        run = self.table("run")
        device, threads = run.get("device"), run.get("threads")
        if device not in ("cpu", "cuda"):
            raise _refuse(self.document, f"device must be cpu or cuda, found {device!r}", "run", "device")
        if type(threads) is not int or not 1 <= threads <= MOST_THREADS:
            rule = f"threads must be an integer from 1 to {MOST_THREADS}, found {threads!r}"
            raise _refuse(self.document, rule, "run", "threads")
        return Environment(
            platform=self._text(run.get("platform"), "run", "platform"),
            python=self._text(run.get("python"), "run", "python"),
            processor=self._text(run.get("processor", ""), "run", "processor"),
            device=device,
            threads=threads,
            versions=self.texts("versions"),
            sources=self.texts("sources"),
            reads=self.texts("reads"),
        )

    def nodes(self) -> dict[str, LockedNode]:
        return {name: self._trace(name) for name in self.table("nodes", missing={})}

    def _trace(self, node: str) -> LockedNode:
        table = self.table("nodes", node)
        status, key, digest = (
            self._text(table.get(name, absent), "nodes", node, name)
            for name, absent in (("status", None), ("key", ""), ("digest", ""))
        )
        return LockedNode(status, key or None, digest or None, self.texts("nodes", node, "inputs"))

    def texts(self, *path: str) -> dict[str, str]:
        """A table of strings; empty if it is missing."""
        table = self.table(*path, missing={})
        return {name: self._text(value, *path, name) for name, value in table.items()}

    def table(self, *path: str, missing: dict[str, Any] | None = None) -> dict[str, Any]:
        """A table; what is put in place of one that is missing, if anything is."""
        value: Any = self.document.data
        for part in path:
            value = value.get(part, missing)
        if not isinstance(value, dict):
            raise self._mistyped("a table", value, *path)
        return value

    def _text(self, value: Any, *path: str) -> str:
        if not isinstance(value, str):
            raise self._mistyped("a string", value, *path)
        return value

    def _mistyped(self, spoken: str, value: Any, *path: str) -> ExperimentError:
        found = "nothing" if value is None else repr(value)
        return _refuse(self.document, f"{'.'.join(path)} must be {spoken}, found {found}", *path)


def _find_lock(path: Path) -> Path:
    """The lock in a folder, or at the path itself. Raises ExperimentError."""
    try:
        lock = path / LOCK if path.is_dir() else path
        lock.stat()
    except (OSError, ValueError) as error:  # ValueError: a name with NUL
        reason = getattr(error, "strerror", None) or str(error)
        rule = f"expected the folder of a finished run, with {LOCK} and {SUMMARY}, or its lock ({reason})"
        raise ExperimentError([Problem(str(path), rule)]) from error
    return lock


def _refuse(document: Document, rule: str, *path: str) -> ExperimentError:
    return ExperimentError([Problem(document.where(*path, value=True), rule)])
