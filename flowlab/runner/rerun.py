"""The experiment of a lock, run again."""

from __future__ import annotations

from itertools import count
from pathlib import Path

from flowlab.api import ExperimentError, OutputError, Problem
from flowlab.engine.cache.store import Store
from flowlab.engine.device import resolve_device
from flowlab.engine.threads import pin_threads
from flowlab.output.file_names import to_file_name
from flowlab.output.terminal import echo, warn
from flowlab.provenance.drift import environment_drift, result_drift
from flowlab.provenance.environment import Environment
from flowlab.provenance.lock_file import LockFile
from flowlab.registry.registry import Registry
from flowlab.runner.run_all import run_all
from flowlab.runner.run_claim import claim_run_dir
from flowlab.runner.run_experiment import FinishedRun, RunPlan, require_store, runs_folder
from flowlab.spec.overrides import executor_overrides


def rerun_lock(
    path: Path,
    out: Path | None,
    device: str | None,
    executor: str | None = None,
    stored: bool = True,
    quiet: bool = False,
    debug: bool = False,
) -> int:
    """Run what a lock holds with its threads and, unless others are named, device and executor: the exit code.

    Before it, what the run rested on and is different now is warned of; after it, each node of another digest.
    Raises ExperimentError, PluginError, OutputError.
    """
    locked = LockFile.read(path)
    device = device or locked.environment.device
    resolve_device(device)
    graph = locked.tracked_graph(Registry.installed(), executor_overrides(executor))
    require_store(graph, stored)
    if out is not None and locked.folder and out.resolve() == locked.folder.resolve():
        raise ExperimentError([Problem("--out", f"{out} holds the run itself: a rerun doesn't overwrite it")])
    folder = out or _beside(locked.folder or Path("runs") / to_file_name(graph.name))
    claim_run_dir(graph, folder)

    def show(report: FinishedRun) -> None:
        echo(report.answer)
        for change in result_drift(locked, report.outcome):
            warn(f"another result than in {locked.path}: {change}")

    with pin_threads(locked.environment.threads):
        plan = RunPlan(graph, folder, Store.beside(runs_folder(folder)) if stored else None)
        environment = Environment.now(graph, str(resolve_device(device)), plan.digests)
        for line in environment_drift(locked, environment):
            warn(f"since {locked.path}: {line}")
        return run_all([plan], device, quiet, debug, show).exit_code


def _beside(original: Path) -> Path:
    """A new folder beside a run's. Raises OutputError."""
    named = original.resolve() if original.name in ("", "..") else original
    for number in count(1):
        folder = named.parent / f"{named.name}-rerun{f'-{number}' if number > 1 else ''}"
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError as error:
            raise OutputError(f"{folder}: can't be made: {error.strerror or error}") from error
        return folder
    raise AssertionError
