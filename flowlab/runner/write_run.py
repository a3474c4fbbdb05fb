"""A run as files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from time import perf_counter

from attrs import frozen

from flowlab.engine.outcome import Outcome
from flowlab.graph.graph import Graph
from flowlab.html.report import render_report
from flowlab.output.figures import render_figures
from flowlab.output.metrics_table import metrics_as_csv
from flowlab.output.run_folder import LOCK, PAGE, SUMMARY, fill_folder, write_file
from flowlab.output.tables import tables_as_csv
from flowlab.output.writing_time import WritingTime
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
    drawing: float = 0.0  # seconds

    @classmethod
    def of(cls, graph: Graph, outcome: Outcome, environment: Environment, folder: Path = Path()) -> RunFiles:
        """Draw the figures, and take the digests of all files; `folder` is the run's."""
        start = perf_counter()
        outcome, pictures = render_figures(outcome)
        drawing = perf_counter() - start
        summary = RunSummary.of(graph, outcome).to_json()
        content = {**tables_as_csv(outcome), **metrics_as_csv(outcome), **pictures, SUMMARY: summary}
        return cls(outcome, content, LockContent.of(graph, outcome, environment, content, folder), drawing)


def write_run(
    graph: Graph, outcome: Outcome, environment: Environment, folder: Path
) -> tuple[Outcome, WritingTime]:
    """Write a run's folder, and say how long that took. Raises OutputError.

    In the outcome returned, undrawable figures have failed. The page says how long the other files took.
    """
    start = perf_counter()
    files = RunFiles.of(graph, outcome, environment, folder)

    def elapsed() -> WritingTime:
        return WritingTime(files.drawing, perf_counter() - start - files.drawing)

    # The lock first: it says which files are the run's, should the rest be cut short.
    fill_folder(folder, {LOCK: files.lock.to_toml(), **files.content})
    page = render_report(graph, files.outcome, files.lock, files.content, elapsed())
    write_file(folder / PAGE, page)
    return files.outcome, elapsed()
