"""Whether a run comes out the same again."""

from __future__ import annotations

from pathlib import Path

from attrs import evolve, frozen

from flowlab.api import ExperimentError, Problem
from flowlab.engine.cache.content_digests import ContentDigests
from flowlab.engine.device import resolve_device
from flowlab.engine.progress.choose import open_listener
from flowlab.engine.run import run_graph
from flowlab.engine.threads import pin_threads
from flowlab.output.figures import use_headless_backend
from flowlab.output.run_folder import SUMMARY
from flowlab.output.terminal import terminal_width, warn
from flowlab.provenance.deviation import (
    FILE,
    Deviation,
    deviations_beyond_tolerance,
    deviations_table,
    digest_deviations,
)
from flowlab.provenance.drift import environment_drift
from flowlab.provenance.environment import Environment
from flowlab.provenance.lock_file import LockFile
from flowlab.provenance.summary import RunSummary
from flowlab.registry.registry import Registry
from flowlab.runner.write_run import RunFiles


@frozen
class Verdict:
    """What came of it: how many nodes were compared, by what measure, and what deviates, worst first."""

    compared: int
    measure: str
    deviations: list[Deviation]
    signal: int | None = None

    @property
    def exit_code(self) -> int:
        """0 verified, 1 not, 128 + signal interrupted."""
        return 128 + self.signal if self.signal is not None else int(bool(self.deviations))

    @property
    def text(self) -> str:
        """The deviations, and the verdict."""
        if self.signal is not None:
            return "interrupted: nothing is verified"
        if not self.deviations:
            return f"verified: {self.compared} nodes, by {self.measure}"
        files = {deviation.where for deviation in self.deviations if deviation.what == FILE}
        nodes = {deviation.where for deviation in self.deviations} - files
        also = f" and {len(files)} file{'s' if len(files) > 1 else ''}" if files else ""
        rule = f"{len(nodes)} of {self.compared} nodes{also} differ"
        return "\n".join(
            [*deviations_table(self.deviations, terminal_width()), f"not verified: {rule}, by {self.measure}"]
        )


def verify_run(path: Path, exact: bool, device: str | None = None, quiet: bool = False) -> Verdict:
    """Compute a run anew in this process, without any store, with the threads of its lock, and compare.

    Exact compares the digests of results, tables and figures, which the same machine and versions promise. Else
    statuses must be the same, and metrics agree as `tolerance` says. What the run left out is not compared.

    Raises ExperimentError for a lock, summary, table or figure that is not as the run wrote it, PluginError.
    """
    locked = LockFile.read(path)
    locked.check_files()
    summary = locked.summary()
    former = None if summary is None else summary.built_nodes
    if exact and not locked.nodes:
        raise ExperimentError([Problem(str(locked.path), "there are no digests in it to compare")])
    if not exact and former is None:
        rule = f"there is no {SUMMARY} of its run beside it to compare metrics with; --exact compares digests"
        raise ExperimentError([Problem(str(locked.path), rule)])
    with pin_threads(locked.environment.threads):
        written = _run_again(locked, device or locked.environment.device, quiet)
    if written.outcome.signal is not None:
        return Verdict(0, "", [], written.outcome.signal)
    current = RunSummary.parse(locked.path.with_name(SUMMARY), written.content[SUMMARY]).built_nodes
    if exact:
        finished = sum(node.status != "skipped" for node in locked.nodes.values())
        deviations = digest_deviations(locked.content, written.lock, former or {}, current)
        return Verdict(finished, "digests", deviations)
    compared = {name: node for name, node in (former or {}).items() if node.status != "skipped"}
    return Verdict(len(compared), "metrics within tolerance", deviations_beyond_tolerance(compared, current))


def _run_again(locked: LockFile, device: str, quiet: bool) -> RunFiles:
    """What the run would write now."""
    graph = locked.graph(Registry.installed())
    digests = ContentDigests()
    environment = Environment.now(graph, str(resolve_device(device)), digests)
    for line in environment_drift(locked, environment):
        warn(f"since {locked.path}: {line}")
    use_headless_backend(graph)
    here = evolve(graph, nodes=tuple(node for node in graph.nodes if node.kind.name != "executor"))
    with open_listener(quiet) as listener:
        outcome = run_graph(here, device, listener, digests=digests)
    return RunFiles.of(graph, outcome, environment)
