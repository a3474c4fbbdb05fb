"""A run as files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomli_w
from attrs import frozen

from flowlab.engine.outcome import Outcome
from flowlab.graph.graph import Graph
from flowlab.html.report import render_report
from flowlab.output.figures import render_figures
from flowlab.output.jsonable import to_json
from flowlab.output.run_folder import LOCK, PAGE, SUMMARY, fill_folder, write_file
from flowlab.output.tables import tables_as_csv
from flowlab.provenance.environment import Environment
from flowlab.provenance.write_lock import lock_content
from flowlab.provenance.write_summary import summary_content


@frozen
class RunFiles:
    """What is written of a run: its tables, figures and summary by relative path, and the lock that names them.

    Its outcome tells of figures that can't be drawn.
    """

    outcome: Outcome
    content: Mapping[str, bytes]
    lock: Mapping[str, Any]

    @classmethod
    def of(cls, graph: Graph, outcome: Outcome, environment: Environment) -> RunFiles:
        """Draw the figures, and take the digest of everything."""
        outcome, pictures = render_figures(outcome)
        text = f"{to_json(summary_content(graph, outcome))}\n".encode()
        content = {**tables_as_csv(outcome), **pictures, SUMMARY: text}
        return cls(outcome, content, lock_content(graph, outcome, environment, content))


def write_run(graph: Graph, outcome: Outcome, environment: Environment, folder: Path) -> Outcome:
    """Write summary, lock, tables, figures and page; the outcome returned tells of figures that can't be drawn."""
    written = RunFiles.of(graph, outcome, environment)
    # The lock first: it says which files are the run's, should the rest be cut short.
    fill_folder(folder, {LOCK: tomli_w.dumps(written.lock).encode(), **written.content})
    write_file(folder / PAGE, render_report(graph, written.outcome, written.lock, written.content))
    return written.outcome
