"""From files to their folders: read, claim, run, write."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from attrs import frozen

from flowlab.api import ExperimentError, Finding, Problem
from flowlab.engine.cache.store import Store
from flowlab.engine.checkpoints import Checkpoints
from flowlab.engine.device import resolve
from flowlab.engine.outcome import Outcome
from flowlab.engine.progress.listener import listening
from flowlab.engine.run import run
from flowlab.graph.graph import Graph, load_all
from flowlab.output.answer import answer
from flowlab.output.claims import FILE, findings
from flowlab.output.echo import print_error
from flowlab.output.plain import file_name
from flowlab.output.run_folder import CHECKPOINTS, FOLDERS, claim
from flowlab.provenance.environment import Origin
from flowlab.provenance.write_summary import summary
from flowlab.registry.registry import Registry
from flowlab.runner.tracking import tracked, untracked, written
from flowlab.runner.write_run import write


@frozen
class Plan:
    """An experiment that is checked, and the folder it is going to fill."""

    graph: Graph
    folder: Path
    store: Store | None


@frozen
class Report:
    """A run that ended, one way or another, and where it was written, if anywhere."""

    graph: Graph
    outcome: Outcome
    folder: Path | None = None

    @property
    def answer(self) -> str:
        """What is said at the end."""
        return answer(self.outcome, self.folder, tuple(self.graph.resolved.get("figure", ())), self.findings)

    @property
    def findings(self) -> list[Finding]:
        """Its claims."""
        return findings(self.graph, self.outcome)

    @property
    def summary(self) -> dict[str, Any]:
        """What summary.json holds."""
        return summary(self.graph, self.outcome)

    @property
    def traces(self) -> tuple[str, ...]:
        """The tracebacks of defects."""
        return tuple(record.trace for record in self.outcome.records if record.trace)


def prepare(
    files: Sequence[Path], out: Path | None, overrides: Sequence[str], device: str, stored: bool = True
) -> tuple[Plan, ...]:
    """Experiments ready to run; of several, `out` is the parent of their folders. All use one store, if any.

    Whatever can be refused is refused here, before any work: ExperimentError tells the mistakes of all files.
    """
    graphs = load_all(files, overrides, Registry.installed())
    taken: dict[str, Path] = {}
    for graph in graphs:
        first = taken.setdefault(file_name(graph.name).casefold(), graph.path)
        if first is not graph.path:
            rule = f"its name {graph.name!r} is that of {first} as well: both would write one folder"
            raise ExperimentError([Problem(str(graph.path), rule)])
    for graph in graphs:
        check_store(graph, stored)
    resolve(device)
    parent = runs_folder(out, len(graphs))
    single = out if len(graphs) == 1 else None
    store = Store.beside(parent) if stored else None
    plans = tuple(Plan(graph, single or parent / file_name(graph.name), store) for graph in graphs)
    for plan in plans:
        take(plan.graph, plan.folder)
    if len(plans) > 1:
        claim(parent, files=(FILE,), folders=())
    return plans


def take(graph: Graph, folder: Path) -> None:
    """Claim a run's folder, with those in it that its trackers write. Raises OutputError, ExperimentError."""
    claim(folder, folders=(*FOLDERS, CHECKPOINTS, *written(graph)))


def check_store(
    graph: Graph, stored: bool, place: str = "--no-store", remedy: str = "add --executor none, or a store"
) -> None:
    """Raise ExperimentError for an executor without a store."""
    if graph.executor is not None and not stored:
        rule = "an executor's processes hand their results over in the store"
        raise ExperimentError([Problem(place, f"{rule}: {remedy}")])


def runs_folder(out: Path | None, experiments: int = 1) -> Path:
    """The parent of the experiments' folders."""
    if out is None:
        return Path("runs")
    return out.parent if experiments == 1 else out


def conduct(plan: Plan, device: str, quiet: bool) -> Report:
    """Run an experiment and write its folder. Raises OutputError."""
    origin = Origin.now(plan.graph, str(resolve(device)))
    checkpoints = Checkpoints(plan.folder / CHECKPOINTS)
    with tracked(plan.graph, plan.folder) as trackers:
        with listening(quiet) as listener:
            outcome = run(untracked(plan.graph), device, trackers.hearing(listener), checkpoints, plan.store)
        if outcome.lost:
            print_error(outcome.lost)
        outcome = write(plan.graph, outcome, origin, plan.folder)
        trackers.figures(outcome, plan.folder)
    return Report(plan.graph, outcome, plan.folder)
