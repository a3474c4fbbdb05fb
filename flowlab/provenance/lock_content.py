"""lock.toml: all that is needed to run an experiment again, and to see whether the results are the same."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import attrs
import tomli_w
from attrs import field, frozen

from flowlab.api import ExperimentError, Problem, parameter
from flowlab.engine.inputs import upstream_nodes
from flowlab.engine.outcome import Outcome, Record
from flowlab.graph.graph import Graph
from flowlab.graph.node import Node
from flowlab.output.jsonable import drop_none, to_jsonable
from flowlab.provenance.environment import Environment
from flowlab.spec.converter import strict_converter, structure, unstructure
from flowlab.spec.document import Document
from flowlab.spec.experiment_settings import MAX_THREADS
from flowlab.spec.structure_errors import StructureError
from flowlab.spec.type_names import describe_value

FORMAT = 1
"""The newest format there is. A lock that doesn't say its format has the first."""
CHECKSUM = "sha256"  # the key of a lock's own digest
_CONVERTER = strict_converter(nulls=False, forbid_extra_keys=False)  # a later version may say more of a run


@frozen
class LockedNode:
    """A node's end: the key and the digest of its result, the digests of its inputs; no digest, no result."""

    status: str
    key: str | None = None
    digest: str | None = None
    inputs: Mapping[str, str] = field(factory=dict)

    @classmethod
    def of(cls, record: Record, records: Mapping[Node, Record]) -> LockedNode:
        """The end of a node, among those of all."""
        digests = {source.id: records[source].digest for source in upstream_nodes(record.node)}
        inputs = {node: digest for node, digest in digests.items() if digest}
        return cls(record.status, record.key or None, record.digest or None, inputs)


@frozen(kw_only=True)
class LockedRun:
    """The table [run]: when and where it ran, and the nodes whose results were reused."""

    date: datetime | None = None
    seed: int | None = None
    dtype: str | None = None
    device: Literal["cpu", "cuda"]
    threads: int = parameter(help="of one operation on the CPU", ge=1, le=MAX_THREADS)
    platform: str
    python: str
    processor: str = ""
    reused: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()  # at which relative paths start: seen from the lock, and on that machine


@frozen(kw_only=True)
class LockContent:
    """What a lock says: the resolved experiment, what ran it, the digests of its results and files.

    A lock from before there were digests has no nodes and no files.
    """

    run: LockedRun
    versions: Mapping[str, str] = field(factory=dict)
    sources: Mapping[str, str] = field(factory=dict)
    reads: Mapping[str, str] = field(factory=dict)
    files: Mapping[str, str] = field(factory=dict)
    nodes: Mapping[str, LockedNode] = field(factory=dict)
    experiment: Mapping[str, Mapping[str, Any]]

    @classmethod
    def of(
        cls,
        graph: Graph,
        outcome: Outcome,
        environment: Environment,
        files: Mapping[str, bytes],
        folder: Path = Path(),
    ) -> LockContent:
        """The lock, in a folder, of a run that wrote these files."""
        facts = attrs.asdict(environment, recurse=False)
        names = {attribute.name for attribute in attrs.fields(LockedRun)}
        records = {record.node: record for record in outcome.records}
        return cls(
            run=LockedRun(
                date=datetime.now(UTC).replace(microsecond=0),
                seed=graph.seed,
                dtype=graph.dtype,
                reused=tuple(record.node.id for record in outcome.records if record.reused),
                folders=_starting_folders(graph, folder) if environment.reads else (),
                **{name: value for name, value in facts.items() if name in names},
            ),
            files={name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
            nodes={node.id: LockedNode.of(record, records) for node, record in records.items() if node.kind.built},
            experiment=drop_none(to_jsonable(graph.resolved)),
            **{name: value for name, value in facts.items() if name not in names},
        )

    @classmethod
    def parse(cls, document: Document) -> LockContent:
        """What a lock's document says. Raises ExperimentError, with all its faults, for one that no run wrote."""
        _check_format(document)
        signed = {CHECKSUM, "nodes", "files"} & document.data.keys()  # the first locks have none of them
        if signed and document.data.get(CHECKSUM) != checksum(document.data):
            rule = f"cut short or changed since a run wrote it: its {CHECKSUM} is another"
            raise _refuse(document, rule, CHECKSUM)
        try:
            content = structure(document.data, cls, _CONVERTER)
        except StructureError as error:
            raise ExperimentError(
                [Problem(document.where(*fault.path, value=True), str(fault)) for fault in error.faults]
            ) from error
        name = content.experiment.get("experiment", {}).get("name")
        if not isinstance(name, str):
            rule = f"experiment.experiment.name must be a string, found {describe_value(name)}"
            raise _refuse(document, rule, "experiment", "experiment", "name")
        return content

    @property
    def name(self) -> str:
        """The experiment's name."""
        return str(self.experiment["experiment"]["name"])

    @property
    def date(self) -> str:
        """When it ran, as people write it; a dash where the lock doesn't say."""
        return format_utc(self.run.date) if self.run.date else "-"

    @property
    def environment(self) -> Environment:
        """What it ran on."""
        tables = attrs.asdict(self, recurse=False)
        facts = {**tables, **attrs.asdict(self.run, recurse=False)}
        return Environment(**{attribute.name: facts[attribute.name] for attribute in attrs.fields(Environment)})

    def to_toml(self) -> bytes:
        """The lock's file, under its checksum; what has its default is left out."""
        content = {"format": FORMAT, **unstructure(self, omit_defaults=True)}
        return tomli_w.dumps({CHECKSUM: checksum(content), **content}).encode()


def _starting_folders(graph: Graph, folder: Path) -> tuple[str, str]:
    """The folder at which an experiment's relative paths start, from the lock's folder and from the root."""
    start = os.path.realpath(graph.folder)
    return os.path.relpath(start, os.path.realpath(folder)), start


def format_utc(moment: datetime) -> str:
    """A moment of UTC as people write it."""
    return f"{moment.day} {moment:%B %Y, %H:%M} UTC"


def checksum(content: Mapping[str, Any]) -> str:
    """sha256 of what a lock says, its own checksum aside, however it is laid out."""
    signed = {name: value for name, value in content.items() if name != CHECKSUM}
    return hashlib.sha256(json.dumps(signed, sort_keys=True, default=str).encode()).hexdigest()


def _check_format(document: Document) -> None:
    """Raise ExperimentError for a lock of a format that this version doesn't read."""
    number = document.data.get("format", 1)
    if type(number) is not int or not 1 <= number <= FORMAT:
        versions = document.data.get("versions")
        writer = versions.get("flowlab", "") if isinstance(versions, dict) else ""
        remedy = f"use flowlab {writer}, which wrote it" if writer else "use the version of flowlab that wrote it"
        rule = f"a lock of format {number!r}, and this flowlab reads formats up to {FORMAT}: {remedy}"
        raise _refuse(document, rule, "format")


def _refuse(document: Document, rule: str, *path: str) -> ExperimentError:
    return ExperimentError([Problem(document.where(*path, value=True), rule)])
