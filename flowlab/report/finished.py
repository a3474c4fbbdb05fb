"""The folder of a finished run, read back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomli
import tomli_w
from attrs import frozen

from flowlab.api import ExperimentError, Problem
from flowlab.graph.graph import Graph, connected
from flowlab.registry.registry import Registry
from flowlab.report.folder import LOCK, SUMMARY
from flowlab.spec.document import parse


@frozen
class Finished:
    """What a run left in its folder: the lock and the summary, as they were written."""

    folder: Path
    lock: Mapping[str, Any]
    summary: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The experiment's name."""
        return str(self.summary["experiment"]["name"])

    def graph(self, registry: Registry) -> Graph:
        """The experiment that was run. Raises ExperimentError, PluginError where it is none any more."""
        text = tomli_w.dumps(self.lock["experiment"])
        return connected(parse(str(self.folder / LOCK), text.encode()), registry)

    def entry(self, kind: str, label: str) -> Mapping[str, Any]:
        """What the summary says of a node; empty where it says nothing."""
        found: Mapping[str, Any] = self.summary["nodes"].get(kind, {}).get(label, {})
        return found


def finished(folder: Path) -> Finished:
    """Read a run. Raises ExperimentError for a folder that is none's."""
    try:
        lock = tomli.loads((folder / LOCK).read_text("utf-8"))
        summary = json.loads((folder / SUMMARY).read_text("utf-8"))
        whole = all(isinstance(part, dict) for part in (lock["experiment"], lock["run"], lock["versions"]))
        whole = whole and isinstance(summary["experiment"]["name"], str)
        entries = [entry for nodes in summary["nodes"].values() for entry in nodes.values()]
        whole = whole and all({"status", "metrics", "variant"} <= entry.keys() for entry in entries)
    except OSError as error:
        raise _no_run(folder, f"{Path(error.filename).name}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _no_run(folder, f"{type(error).__name__}: {error}") from error
    if not whole:
        raise _no_run(folder, "they hold something else")
    return Finished(folder, lock, summary)


def _no_run(folder: Path, reason: str) -> ExperimentError:
    rule = f"expected the folder of a finished run, with {LOCK} and {SUMMARY} ({reason})"
    return ExperimentError([Problem(str(folder), rule)])
