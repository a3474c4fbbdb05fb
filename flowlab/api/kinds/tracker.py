"""What a tracker is: it records the numbers and figures of runs in another tool, as they come."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol


class TrackedRun(Protocol):
    """A run that is being tracked.

    A node is named `kind.name`, with swept values in brackets.
    """

    def scalars(self, node: str, step: int, figures: Mapping[str, float]) -> None:
        """Record numbers that a node reports during its computation, such as violation and cost at a step.

        Nodes that the processes of an executor compute report nothing before they are finished.
        """

    def finished(self, node: str, metrics: Mapping[str, Any]) -> None:
        """Record the metrics of a finished node.

        Metrics are numbers, texts, None, lists (one number per noise level) and mappings.
        """

    def figure(self, node: str, png: bytes) -> None:
        """Record a finished figure, by the content of its PNG file."""


class Tracker(Protocol):
    """Tracks runs, without any effect on results or keys.

    If a tracker raises an error, the run shows a warning and stops to use it. Its `check` says what it lacks,
    before any computation. `writes() -> tuple[str, ...]` names the folders of a run that it writes; they are also
    reserved before any computation.
    """

    def begin(self, run: str, settings: Mapping[str, Any], folder: Path) -> AbstractContextManager[TrackedRun]:
        """Track the run of this name while the returned context is open.

        `settings` is the experiment as plain data with every default, and `folder` is the folder of the run.
        """
