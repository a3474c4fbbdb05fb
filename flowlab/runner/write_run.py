"""A run as files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomli_w
from attrs import frozen

from flowlab.engine.outcome import Outcome
from flowlab.graph.graph import Graph
from flowlab.html.report import page
from flowlab.output.figures import render
from flowlab.output.plain import as_json
from flowlab.output.run_folder import LOCK, PAGE, SUMMARY, fill, replace
from flowlab.output.tables import tables
from flowlab.provenance.environment import Origin
from flowlab.provenance.write_lock import lock
from flowlab.provenance.write_summary import summary


@frozen
class Written:
    """What is written of a run: its tables, figures and summary by relative path, and the lock that names them.

    Its outcome tells of figures that can't be drawn.
    """

    outcome: Outcome
    content: Mapping[str, bytes]
    lock: Mapping[str, Any]

    @classmethod
    def of(cls, graph: Graph, outcome: Outcome, origin: Origin) -> Written:
        """Draw the figures, and take the digest of everything."""
        outcome, pictures = render(outcome)
        text = f"{as_json(summary(graph, outcome))}\n".encode()
        content = {**tables(outcome), **pictures, SUMMARY: text}
        return cls(outcome, content, lock(graph, outcome, origin, content))


def write(graph: Graph, outcome: Outcome, origin: Origin, folder: Path) -> Outcome:
    """Write summary, lock, tables, figures and page; the outcome returned tells of figures that can't be drawn."""
    written = Written.of(graph, outcome, origin)
    # The lock first: it says which files are the run's, should the rest be cut short.
    fill(folder, {LOCK: tomli_w.dumps(written.lock).encode(), **written.content})
    replace(folder / PAGE, page(graph, written.outcome, written.lock, written.content))
    return written.outcome
