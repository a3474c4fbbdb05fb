"""From files to their folders: read, claim, run, write."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from attrs import field, frozen

from flowlab.api import ClaimResult, ExperimentError, Problem
from flowlab.engine.cache.content_digests import ContentDigests
from flowlab.engine.cache.store import Store
from flowlab.engine.checkpoints import Checkpoints
from flowlab.engine.device import resolve_device
from flowlab.engine.outcome import Outcome
from flowlab.engine.progress.choose import open_listener
from flowlab.engine.run import run_graph
from flowlab.graph.graph import Graph, load_graphs
from flowlab.graph.restrict import restrict_graph
from flowlab.output.answer import format_answer
from flowlab.output.claims import CLAIMS_FILE, collect_claims
from flowlab.output.file_names import to_file_name
from flowlab.output.run_folder import CHECKPOINTS, claim_folder
from flowlab.output.run_lock import lock_run_folder
from flowlab.output.terminal import print_error, terminal_width
from flowlab.output.writing_time import WritingTime
from flowlab.provenance.environment import Environment
from flowlab.provenance.summary import RunSummary
from flowlab.registry.registry import Registry
from flowlab.runner.run_claim import claim_run_dir
from flowlab.runner.tracking import open_trackers, without_trackers
from flowlab.runner.write_run import write_run


@frozen
class RunPlan:
    """An experiment that is checked, the folder it is going to fill, and the digests of its run."""

    graph: Graph
    folder: Path
    store: Store | None
    digests: ContentDigests = field(factory=ContentDigests)


@frozen
class FinishedRun:
    """A run that ended, one way or another, and where it was written, if anywhere."""

    graph: Graph
    outcome: Outcome
    folder: Path | None = None
    written: WritingTime | None = None

    @property
    def answer(self) -> str:
        """What is printed at the end."""
        return format_answer(
            self.outcome,
            self.folder,
            tuple(self.graph.resolved.get("figure", ())),
            self.findings,
            self.written,
            terminal_width(),
        )

    @property
    def findings(self) -> list[ClaimResult]:
        """Its claims."""
        return collect_claims(self.graph, self.outcome)

    @property
    def summary(self) -> dict[str, Any]:
        """What summary.json holds."""
        return RunSummary.of(self.graph, self.outcome).data

    @property
    def traces(self) -> tuple[str, ...]:
        """The tracebacks of defects."""
        return tuple(record.trace for record in self.outcome.records if record.trace)


def plan_runs(
    files: Sequence[Path],
    out: Path | None,
    overrides: Sequence[str],
    device: str,
    stored: bool = True,
    only: Sequence[str] = (),
) -> tuple[RunPlan, ...]:
    """Experiments ready to run; of several, `out` is the parent of their folders. All use one store, if any.

    With `only`, these nodes and what they need; their folder has another name, so that a whole run stays.
    Whatever can be refused is refused here, before any work: ExperimentError has the mistakes of all files.
    """
    whole = load_graphs(files, overrides, Registry.installed())
    graphs = tuple(restrict_graph(graph, only) for graph in whole)
    taken: dict[str, Path] = {}
    for graph in graphs:
        first = taken.setdefault(to_file_name(graph.name).casefold(), graph.path)
        if first is not graph.path:
            rule = f"its name {graph.name!r} is that of {first} as well: both would write one folder"
            raise ExperimentError([Problem(str(graph.path), rule)])
    for graph in graphs:
        require_store(graph, stored)
    resolve_device(device)
    parent = runs_folder(out, len(graphs))
    single = out if len(graphs) == 1 else None
    store = Store.beside(parent) if stored else None
    plans = tuple(RunPlan(graph, single or parent / default_folder(graph, only), store) for graph in graphs)
    for plan in plans:
        claim_run_dir(plan.graph, plan.folder)
    if len(plans) > 1:
        claim_folder(parent, files=(CLAIMS_FILE,), folders=())
    return plans


def default_folder(graph: Graph, only: Sequence[str]) -> str:
    """The name of a run's folder, which a part of the experiment does not share with the whole."""
    return to_file_name("-".join([graph.name, *only]))


def require_store(
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


def run_experiment(plan: RunPlan, device: str, quiet: bool) -> FinishedRun:
    """Run an experiment and write its folder. Raises OutputError."""
    environment = Environment.now(plan.graph, str(resolve_device(device)), plan.digests)
    checkpoints = Checkpoints(plan.folder / CHECKPOINTS)
    with lock_run_folder(plan.folder), open_trackers(plan.graph, plan.folder) as trackers:
        with open_listener(quiet) as listener:
            outcome = run_graph(
                without_trackers(plan.graph),
                device,
                trackers.hearing(listener),
                checkpoints,
                plan.store,
                plan.digests,
            )
        if outcome.lost:
            print_error(outcome.lost)
        outcome, written = write_run(plan.graph, outcome, environment, plan.folder)
        trackers.figures(outcome, plan.folder)
    return FinishedRun(plan.graph, outcome, plan.folder, written)
