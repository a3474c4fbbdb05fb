"""The claims of experiments: the paper's figures, ours and the closed form's side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from flowlab.api import Finding
from flowlab.engine.outcome import Outcome
from flowlab.graph.graph import Graph
from flowlab.report.aligned import aligned

FILE = "claims.md"
_VERDICTS = {True: "yes", False: "no", None: "not known"}


def findings(graph: Graph, outcome: Outcome) -> list[Finding]:
    """The claims in the order of the file; one whose node did not finish is not known."""
    found: dict[str, list[Finding]] = {name: [] for name in graph.resolved.get("analysis", ())}
    for record in outcome.of("analysis"):
        one = record.value if record.finished else getattr(record.node.component, "finding", None)
        if isinstance(one, Finding):
            found.setdefault(record.node.name, []).append(one)
    return [one for group in found.values() for one in group]


def table(claims: Mapping[str, Sequence[Finding]]) -> list[str]:
    """Lines for the terminal: claims by experiment, whose names stand first where there are several."""
    header = ("experiment", "claim", "paper", "ours", "closed form", "holds if", "holds")
    rows = [header, *((name, *cells) for name, group in claims.items() for cells in map(_cells, group))]
    if len(rows) == 1:
        return []
    held = [one.holds for group in claims.values() for one in group].count(True)
    title = f"Claims, {held} of {len(rows) - 1} hold"
    return [title, *aligned(rows if len(claims) > 1 else [row[1:] for row in rows], indent=2)]


def markdown(claims: Mapping[str, Sequence[Finding]]) -> str:
    """All claims as a Markdown table."""
    header = ("experiment", "claim", "source", "paper", "ours", "closed form", "holds if", "holds")
    rows = [header, ("---",) * len(header)]
    for name, group in claims.items():
        rows += [(name, cells[0], one.source, *cells[1:]) for one in group for cells in [_cells(one)]]
    return "".join(f"| {' | '.join(map(_escaped, row))} |\n" for row in rows)


def _cells(one: Finding) -> tuple[str, ...]:
    figures = (one.paper or "-", one.shown(*one.ours), one.shown(*one.theory))
    return one.claim, *figures, one.rule, _VERDICTS[one.holds]


def _escaped(cell: str) -> str:
    return " ".join(cell.split()).replace("|", "\\|")
