"""From a file to its folder: read, claim, run, write."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from attrs import frozen

from flowlab.engine.checkpoints import Checkpoints
from flowlab.engine.device import resolve
from flowlab.engine.outcome import Outcome
from flowlab.engine.progress import listening
from flowlab.engine.run import run
from flowlab.graph.graph import Graph, load
from flowlab.registry.registry import Registry
from flowlab.report.answer import answer
from flowlab.report.folder import claim
from flowlab.report.plain import file_name
from flowlab.report.summary import summary
from flowlab.report.write import write


@frozen
class Report:
    """A run that ended, one way or another, and where it was written."""

    graph: Graph
    outcome: Outcome
    folder: Path

    @property
    def answer(self) -> str:
        """What is said at the end."""
        return answer(self.outcome, self.folder, tuple(self.graph.resolved.get("figure", ())))

    @property
    def summary(self) -> dict[str, Any]:
        """What summary.json holds."""
        return summary(self.graph, self.outcome)

    @property
    def traces(self) -> tuple[str, ...]:
        """The tracebacks of defects."""
        return tuple(record.trace for record in self.outcome.records if record.trace)


def conduct(file: Path, out: Path | None, overrides: Sequence[str], device: str, quiet: bool) -> Report:
    """Run an experiment. Whatever can be refused is refused before any work."""
    graph = load(file, overrides, Registry.installed())
    place = str(resolve(device))
    folder = out if out is not None else Path("runs") / file_name(graph.name)
    claim(folder)
    with listening(quiet) as listener:
        outcome = run(graph, device, listener, Checkpoints(folder / "checkpoints"))
    return Report(graph, write(graph, outcome, place, folder), folder)
