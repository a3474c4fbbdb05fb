"""The folder of a run, claimed before any work."""

from __future__ import annotations

import json
from pathlib import Path

from flowlab.graph.graph import Graph
from flowlab.output.run_folder import CHECKPOINTS, FOLDERS, SUMMARY, claim_folder
from flowlab.output.run_lock import lock_run_folder
from flowlab.output.terminal import warn
from flowlab.runner.tracking import tracker_folders


def claim_run_dir(graph: Graph, folder: Path) -> None:
    """Claim a run's folder, with those in it that its trackers write; warn of another experiment's run in it.

    Raises OutputError, also while another run is at work there, and ExperimentError.
    """
    with lock_run_folder(folder):
        claim_folder(folder, folders=(*FOLDERS, CHECKPOINTS, *tracker_folders(graph)))
        former = _former_experiment(folder)
    if former is not None and former.resolve() != Path(graph.path).resolve():
        warn(f"{folder}: it holds a run of {former}, which this run of {graph.path} replaces")


def _former_experiment(folder: Path) -> Path | None:
    """The file of the experiment whose run is in a folder, as its summary says; None where nothing says so."""
    try:
        return Path(json.loads((folder / SUMMARY).read_bytes())["experiment"]["file"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
