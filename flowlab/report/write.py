"""A run as files."""

from __future__ import annotations

from pathlib import Path

import tomli_w

from flowlab.engine.outcome import Outcome
from flowlab.graph.graph import Graph
from flowlab.report.figures import render
from flowlab.report.folder import LOCK, PAGE, SUMMARY, fill, replace
from flowlab.report.lock import lock
from flowlab.report.page import page
from flowlab.report.plain import as_json
from flowlab.report.summary import summary
from flowlab.report.tables import tables


def write(graph: Graph, outcome: Outcome, device: str, folder: Path) -> Outcome:
    """Write summary, lock, tables, figures and page; the outcome returned tells of figures that can't be drawn."""
    outcome, pictures = render(outcome)
    content = tables(outcome) | pictures
    locked = lock(graph, outcome, device, content)
    text = tomli_w.dumps(locked).encode()
    # The lock first: it says which files are the run's, should the rest be cut short.
    files = {LOCK: text, **content, SUMMARY: f"{as_json(summary(graph, outcome))}\n".encode()}
    fill(folder, files)
    replace(folder / PAGE, page(graph, outcome, locked, content))
    return outcome
