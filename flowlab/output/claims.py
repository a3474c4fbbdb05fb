"""The claims of experiments: the paper's figures, ours and the closed form's side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from flowlab.api import ClaimResult
from flowlab.engine.outcome import Outcome
from flowlab.graph.graph import Graph
from flowlab.output.text_table import align_columns

CLAIMS_FILE = "claims.md"
HEADER = ("claim", "source", "paper", "ours", "closed form", "holds if", "seeds", "verdict")
UNKNOWN = "not known"


def collect_claims(graph: Graph, outcome: Outcome) -> list[ClaimResult]:
    """The claims in the order of the file; one whose node did not finish is not known."""
    found: dict[str, list[ClaimResult]] = {name: [] for name in graph.resolved.get("analysis", ())}
    for record in outcome.of("analysis"):
        one = record.value if record.finished else getattr(record.node.component, "finding", None)
        if isinstance(one, ClaimResult):
            found.setdefault(record.node.name, []).append(one)
    return [one for group in found.values() for one in group]


def claims_table(claims: Mapping[str, Sequence[ClaimResult]]) -> list[str]:
    """Lines for the terminal: claims by experiment, whose names stand first where there are several."""
    rows = [("experiment", *HEADER), *((name, *claim_row(one)) for name, group in claims.items() for one in group)]
    if len(rows) == 1:
        return []
    shown = [(name, claim, *rest) for name, claim, _, *rest in rows]
    return [
        claims_title([one for group in claims.values() for one in group]),
        *align_columns(shown if len(claims) > 1 else [cells[1:] for cells in shown], indent=2),
    ]


def claims_title(claims: Sequence[ClaimResult]) -> str:
    """How many of them hold, fail and are undecided."""
    verdicts = [one.verdict for one in claims]
    failing = verdicts.count("fails")
    told = f"Claims, {verdicts.count('holds')} of {len(claims)} hold"
    for count, word in (
        (failing, "fails" if failing == 1 else "fail"),
        (verdicts.count("undecided"), "undecided"),
        (verdicts.count(None), UNKNOWN),
    ):
        told += f", {count} {word}" if count else ""
    several = any(one.seeds > 1 for one in claims)
    return f"{told} ([a, b]: the 95 % interval of the mean over seeds)" if several else told


def claims_markdown(claims: Mapping[str, Sequence[ClaimResult]]) -> str:
    """All claims as a Markdown table."""
    header = ("experiment", *HEADER)
    rows = [header, ("---",) * len(header)]
    rows += [(name, *claim_row(one)) for name, group in claims.items() for one in group]
    return "".join(f"| {' | '.join(map(_escaped, cells))} |\n" for cells in rows)


def claim_row(one: ClaimResult) -> tuple[str, ...]:
    """The cells of a claim under HEADER."""
    figures = (one.paper or "-", one.our_figures, one.theory_figures)
    seeds = {0: "-", 1: "one"}.get(one.seeds, str(one.seeds))
    verdict = (one.verdict or UNKNOWN) + (f": {one.reason}" if one.reason else "")
    return one.claim, one.source, *figures, one.rule, seeds, verdict


def _escaped(cell: str) -> str:
    return " ".join(cell.split()).replace("|", "\\|")
