"""What a tracker is: a record of runs that people keep elsewhere, told of figures as they come."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol


class TrackedRun(Protocol):
    """A run that is being tracked. A node is called `kind.name`, swept values in brackets."""

    def scalars(self, node: str, step: int, figures: Mapping[str, float]) -> None:
        """What a node at work says of itself, as a training does of its violation and cost at a step.

        Nodes that an executor's processes work at say nothing until they are finished.
        """

    def finished(self, node: str, metrics: Mapping[str, Any]) -> None:
        """A node has a result. Metrics are numbers, texts, None, lists (one number a noise level) and mappings."""

    def figure(self, node: str, png: bytes) -> None:
        """A figure is drawn: its PNG file."""


class Tracker(Protocol):
    """Tracks runs. It changes no result and no key, and what it raises costs a warning: it is then told no more.

    What it lacks is said by its `check`, before any work. Folders of a run that it writes it names in
    `writes() -> tuple[str, ...]`; they are claimed before any work, too.
    """

    def begin(self, run: str, settings: Mapping[str, Any], folder: Path) -> AbstractContextManager[TrackedRun]:
        """Track the run of this name, as long as the context is open.

        `settings` is the experiment as plain data with every default, `folder` the run's.
        """
