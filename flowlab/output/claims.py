"""The claims of experiments: the paper's figures, ours and the closed form's side by side."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

from flowlab.api import ClaimResult
from flowlab.engine.outcome import Outcome
from flowlab.graph.graph import Graph
from flowlab.output.text_table import align_columns, wrap_line

CLAIMS_FILE = "claims.md"
HEADER = ("claim", "source", "paper", "ours", "closed form", "holds if", "seeds", "verdict")
UNKNOWN = "not known"


def collect_claims(graph: Graph, outcome: Outcome) -> list[ClaimResult]:
    """The claims in the order of the file; one whose node did not finish is not known."""
    groups: dict[str, list[ClaimResult]] = {name: [] for name in graph.resolved.get("analysis", ())}
    for record in outcome.of("analysis"):
        claim = record.value if record.finished else getattr(record.node.component, "finding", None)
        if isinstance(claim, ClaimResult):
            groups.setdefault(record.node.name, []).append(claim)
    return [claim for group in groups.values() for claim in group]


def claims_table(claims: Mapping[str, Sequence[ClaimResult]], width: int | None = None) -> list[str]:
    """Lines for the terminal: claims by experiment, whose names stand first where there are several.

    A table wider than `width` is a paragraph a claim, its verdict first.
    """
    rows = [
        ("experiment", *HEADER),
        *((name, *claim_row(claim)) for name, group in claims.items() for claim in group),
    ]
    if len(rows) == 1:
        return []
    cells_shown = [(name, claim, *rest) for name, claim, _, *rest in rows]
    title = claims_title([claim for group in claims.values() for claim in group])
    table = align_columns(cells_shown if len(claims) > 1 else [cells[1:] for cells in cells_shown], indent=2)
    if width is None or max(map(len, table)) <= width:
        return [*([title] if width is None else wrap_line(title, width)), *table]
    paragraphs = (_claim_paragraph(name, claim, width) for name, group in claims.items() for claim in group)
    return [*wrap_line(title, width), *itertools.chain.from_iterable(paragraphs)]


def _claim_paragraph(experiment: str, claim: ClaimResult, width: int) -> list[str]:
    """A claim in lines: its verdict and text, then its figures."""
    text, _, *figures, verdict = claim_row(claim)
    named = zip(HEADER[2:-1], figures, strict=True)
    shown = "; ".join(f"{name}: {figure}" for name, figure in named if figure != "-")
    origin = f"{experiment}: " if experiment else ""
    return [*wrap_line(f"{origin}{text}: {verdict}", width, indent=2), *wrap_line(shown, width, indent=6)]


def claims_title(claims: Sequence[ClaimResult]) -> str:
    """How many of them hold, fail and are undecided."""
    verdicts = [claim.verdict for claim in claims]
    failing = verdicts.count("fails")
    title = f"Claims, {verdicts.count('holds')} of {len(claims)} hold"
    for count, word in (
        (failing, "fails" if failing == 1 else "fail"),
        (verdicts.count("undecided"), "undecided"),
        (verdicts.count(None), UNKNOWN),
    ):
        title += f", {count} {word}" if count else ""
    several = any(claim.seeds > 1 for claim in claims)
    return f"{title} ([a, b]: the 95 % interval of the mean over seeds)" if several else title


def claims_markdown(claims: Mapping[str, Sequence[ClaimResult]]) -> str:
    """All claims as a Markdown table."""
    header = ("experiment", *HEADER)
    rows = [header, ("---",) * len(header)]
    rows += [(name, *claim_row(claim)) for name, group in claims.items() for claim in group]
    return "".join(f"| {' | '.join(map(_escaped, cells))} |\n" for cells in rows)


def claim_row(claim: ClaimResult) -> tuple[str, ...]:
    """The cells of a claim under HEADER."""
    figures = (claim.paper or "-", claim.our_figures, claim.theory_figures)
    seeds = {0: "-", 1: "one"}.get(claim.seeds, str(claim.seeds))
    verdict = (claim.verdict or UNKNOWN) + (f": {claim.reason}" if claim.reason else "")
    return claim.claim, claim.source, *figures, claim.rule, seeds, verdict


def _escaped(cell: str) -> str:
    return " ".join(cell.split()).replace("|", "\\|")
