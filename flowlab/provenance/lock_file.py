"""The lock of a run, and with it the run's folder, read back."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import evolve, frozen

from flowlab.api import ExperimentError, Problem
from flowlab.engine.cache.content_digests import ContentDigests
from flowlab.graph.graph import Graph, build_graph
from flowlab.output.run_folder import LOCK, SUMMARY
from flowlab.provenance.environment import Environment
from flowlab.provenance.former_keys import rename_former_keys
from flowlab.provenance.lock_content import CHECKSUM, LockContent, LockedNode
from flowlab.provenance.summary import RunSummary
from flowlab.registry.registry import Registry
from flowlab.spec.document import Document, read_document
from flowlab.spec.overrides import TRACKER, apply_overrides

_MAX_BYTES = 1 << 27  # 100,000 nodes of more than a thousand bytes each


@frozen
class LockFile:
    """A lock where it stands: what it says, and its experiment, whose places are places in the lock.

    The experiment is without trackers: they change nothing, and who reads the lock need not have them. Those that
    it had are the tables of `trackers`. The keys have the names of today.
    """

    path: Path
    content: LockContent
    experiment: Document
    trackers: Mapping[str, Mapping[str, Any]]

    @classmethod
    def read(cls, path: Path) -> LockFile:
        """The lock of a run's folder, or a lock file. Raises ExperimentError for one that no run wrote so."""
        path = _find_lock(path)
        document = read_document(path, _MAX_BYTES)
        if {CHECKSUM, "run", "experiment"} & document.data.keys() == {"experiment"}:
            rule = f"no lock, but an experiment: expected the folder of its run, or its {LOCK}"
            raise ExperimentError([Problem(document.where(), rule)])
        if not {"run", "experiment"} & document.data.keys():
            raise ExperimentError([Problem(document.where(), "no lock of a run: it has no table [run]")])
        content = LockContent.parse(document)
        experiment = rename_former_keys(document.below("experiment").without(TRACKER))
        return cls(path, content, experiment, content.experiment.get(TRACKER, {}))

    @property
    def folder(self) -> Path | None:
        """The run's folder, of a lock that stands in one."""
        return self.path.parent if self.path.name == LOCK else None

    @property
    def runs_folder(self) -> Path:
        """The folder in which the run's folder stands, wherever one asks from: the path may be `lock.toml`."""
        return Path(os.path.abspath(self.path)).parent.parent

    @property
    def name(self) -> str:
        """The experiment's name."""
        return self.content.name

    @property
    def date(self) -> str:
        """When it ran, in words."""
        return self.content.date

    @property
    def environment(self) -> Environment:
        """What it ran on."""
        return self.content.environment

    @property
    def nodes(self) -> Mapping[str, LockedNode]:
        """The ends of its nodes by id."""
        return self.content.nodes

    @property
    def files(self) -> Mapping[str, str]:
        """The digests of its files by relative path."""
        return self.content.files

    @property
    def folder_of_paths(self) -> Path:
        """The folder at which the experiment's relative paths start.

        Seen from the lock, or where it was on the machine of the run: the one that has more of the files that the
        run read. The paths of a lock that doesn't say start at the current folder.
        """
        folders = [(self.path.parent / folder).resolve() for folder in self.content.run.folders]
        return max(folders, key=self._count_known_files) if folders else Path()

    def _count_known_files(self, folder: Path) -> int:
        """How many of the files that the run read are in a folder with the same content."""
        digests = ContentDigests()
        return sum(digests.file(str(folder / name)) == digest for name, digest in self.content.reads.items())

    def digests_of_files(self, folder: Path) -> dict[str, str]:
        """The digests that files had when the run read them, by paths from `folder`."""
        return {str(folder / name): digest for name, digest in self.content.reads.items()}

    def graph(self, registry: Registry, settings: Sequence[str] = (), run_checks: bool = True) -> Graph:
        """Its experiment with today's components. Raises ExperimentError, PluginError."""
        document = evolve(self.experiment, folder=self.folder_of_paths)
        return build_graph(apply_overrides(document, settings), registry, run_checks)

    def tracked_graph(self, registry: Registry, settings: Sequence[str] = ()) -> Graph:
        """The same with those of its trackers that are installed. Raises ExperimentError, PluginError."""
        installed = {
            name: dict(table)
            for name, table in self.trackers.items()
            if registry.find(TRACKER, str(table.get("use", name))) is not None
        }
        data = {**self.experiment.data, TRACKER: installed} if installed else self.experiment.data
        return evolve(self, experiment=evolve(self.experiment, data=data)).graph(registry, settings)

    def summary(self) -> RunSummary | None:
        """What the run's summary says, None without one. Raises ExperimentError for one that it didn't write."""
        content = self.read_file(SUMMARY)
        return None if content is None else RunSummary.parse(self.path.with_name(SUMMARY), content)

    def require_summary(self) -> RunSummary:
        """The same, of a run that must have one. Raises ExperimentError."""
        summary = self.summary()
        if summary is None:
            rule = f"expected the folder of a finished run: there is no {SUMMARY} beside its {LOCK}"
            raise ExperimentError([Problem(str(self.path), rule)])
        return summary

    def check_files(self) -> None:
        """Raise ExperimentError for tables and figures that are not as the run wrote them; they may be absent."""
        problems = [problem for problems in self.file_problems().values() for problem in problems]
        if problems:
            raise ExperimentError(problems)

    def file_problems(self) -> dict[str, tuple[Problem, ...]]:
        """What is wrong with the run's files that are there, by relative path."""
        problems: dict[str, tuple[Problem, ...]] = {}
        for name in self.files:
            try:
                self.read_file(name)
            except ExperimentError as error:
                problems[name] = error.problems
        return problems

    def read_file(self, name: str) -> bytes | None:
        """A file of the run, if it is there. Raises ExperimentError for one that the run didn't write so."""
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
