"""A run as files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from attrs import frozen

from flowlab.engine.outcome import Outcome
from flowlab.graph.graph import Graph
from flowlab.html.report import render_report
from flowlab.output.figures import render_figures
from flowlab.output.run_folder import LOCK, PAGE, SUMMARY, fill_folder, write_file
from flowlab.output.tables import tables_as_csv
from flowlab.provenance.environment import Environment
from flowlab.provenance.lock_content import LockContent
from flowlab.provenance.summary import RunSummary


@frozen
class RunFiles:
    """What is written of a run: its tables, figures and summary by relative path, and the lock that names them.

    In its outcome, nodes whose figures can't be drawn have failed.
    """

    outcome: Outcome
    content: Mapping[str, bytes]
    lock: LockContent

    @classmethod
    def of(cls, graph: Graph, outcome: Outcome, environment: Environment, folder: Path = Path()) -> RunFiles:
        """Draw the figures, and take the digests of all files; `folder` is the run's."""
        outcome, pictures = render_figures(outcome)
        summary = RunSummary.of(graph, outcome).to_json()
        content = {**tables_as_csv(outcome), **pictures, SUMMARY: summary}
        return cls(outcome, content, LockContent.of(graph, outcome, environment, content, folder))


def write_run(graph: Graph, outcome: Outcome, environment: Environment, folder: Path) -> Outcome:
    """Write a run's folder; in the outcome returned, undrawable figures have failed. Raises OutputError."""
    written = RunFiles.of(graph, outcome, environment, folder)
    # The lock first: it says which files are the run's, should the rest be cut short.
    fill_folder(folder, {LOCK: written.lock.to_toml(), **written.content})
    write_file(folder / PAGE, render_report(graph, written.outcome, written.lock, written.content))
    return written.outcome
