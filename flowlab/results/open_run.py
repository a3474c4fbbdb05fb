"""A finished run, opened again."""

from __future__ import annotations

import warnings
from pathlib import Path

from flowlab.api import Problem
from flowlab.provenance.lock_file import LockFile
from flowlab.results.results import Results
from flowlab.results.run_on_disk import RunOnDisk


def open_run(folder: str | Path) -> Results:
    """The results in a run's folder, as `Experiment.run` returns them. No component runs.

    A table or figure that is not as its run wrote it, by the lock, is warned of, and refused when it is asked for.
    Values come from the store by the keys and digests in the lock; one that the run computed in less than a second
    isn't always stored, and is then built again when it is asked for. Raises ExperimentError for a lock or a
    summary that no run wrote so.
    """
    results, problems = read_run(Path(folder))
    for problem in problems:
        warnings.warn(str(problem), RuntimeWarning, stacklevel=2)
    return results


def read_run(folder: Path) -> tuple[Results, list[Problem]]:
    """The results, and what is wrong with the tables and figures. Raises ExperimentError as `open_run` does."""
    lock = LockFile.read(folder)
    run = RunOnDisk(lock, lock.require_summary())
    return Results(run), run.problems
