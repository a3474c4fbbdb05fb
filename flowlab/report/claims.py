"""The claims of experiments: the paper's figures, ours and the closed form's side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from flowlab.api import Finding
from flowlab.engine.outcome import Outcome
from flowlab.graph.graph import Graph
from flowlab.report.aligned import aligned

FILE = "claims.md"
HEADER = ("claim", "source", "paper", "ours", "closed form", "holds if", "holds")
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
    rows = [("experiment", *HEADER), *((name, *row(one)) for name, group in claims.items() for one in group)]
    if len(rows) == 1:
        return []
    shown = [(name, claim, *rest) for name, claim, _, *rest in rows]
    return [
        title([one for group in claims.values() for one in group]),
        *aligned(shown if len(claims) > 1 else [cells[1:] for cells in shown], indent=2),
    ]


def title(claims: Sequence[Finding]) -> str:
    """How many of them hold."""
    return f"Claims, {[one.holds for one in claims].count(True)} of {len(claims)} hold"


def markdown(claims: Mapping[str, Sequence[Finding]]) -> str:
    """All claims as a Markdown table."""
    header = ("experiment", *HEADER)
    rows = [header, ("---",) * len(header)]
    rows += [(name, *row(one)) for name, group in claims.items() for one in group]
    return "".join(f"| {' | '.join(map(_escaped, cells))} |\n" for cells in rows)


def row(one: Finding) -> tuple[str, ...]:
    """The cells of a claim under HEADER."""
    figures = (one.paper or "-", one.shown(*one.ours), one.shown(*one.theory))
    return one.claim, one.source, *figures, one.rule, _VERDICTS[one.holds]


def _escaped(cell: str) -> str:
    return " ".join(cell.split()).replace("|", "\\|")
