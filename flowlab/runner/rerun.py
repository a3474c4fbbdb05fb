"""The experiment of a lock, run again."""

from __future__ import annotations

from itertools import count
from pathlib import Path

from flowlab.api import ExperimentError, OutputError, Problem
from flowlab.engine.cache.store import Store
from flowlab.engine.device import resolve
from flowlab.engine.threads import pinned
from flowlab.output.echo import echo, warn
from flowlab.output.plain import file_name
from flowlab.provenance.drift import drift, moved
from flowlab.provenance.environment import Origin
from flowlab.provenance.lock_file import Locked
from flowlab.registry.registry import Registry
from flowlab.runner.run_all import in_turn
from flowlab.runner.run_experiment import Plan, Report, check_store, runs_folder, take
from flowlab.spec.overrides import carried_out_by


def rerun(
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
    locked = Locked.read(path)
    device = device or locked.origin.device
    resolve(device)
    graph = locked.graph(Registry.installed(), carried_out_by(executor, None))
    check_store(graph, stored)
    if out is not None and locked.folder and out.resolve() == locked.folder.resolve():
        raise ExperimentError([Problem("--out", f"{out} holds the run itself: a rerun doesn't overwrite it")])
    folder = out or _beside(locked.folder or Path("runs") / file_name(graph.name))
    take(graph, folder)

    def show(report: Report) -> None:
        echo(report.answer)
        for change in moved(locked, report.outcome):
            warn(f"another result than in {locked.path}: {change}")

    with pinned(locked.origin.threads):
        for line in drift(locked, Origin.now(graph, str(resolve(device)))):
            warn(f"since {locked.path}: {line}")
        store = Store.beside(runs_folder(folder)) if stored else None
        return in_turn([Plan(graph, folder, store)], device, quiet, debug, show).exit_code


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
