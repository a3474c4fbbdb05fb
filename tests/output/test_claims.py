"""Tables of claims."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from attrs import evolve
from report_nodes import done, failed, graph_of, outcome_of

from flowlab.api import ClaimResult
from flowlab.output.answer import format_answer
from flowlab.output.claims import claims_markdown, claims_table, collect_claims
from flowlab.provenance.summary import RunSummary

HELD = ClaimResult(
    "so it is", "Section 5", ">= 10 %", "98.6 %", (0.9, 0.125), ((0.879, 0.912), (0.125, 0.125)), (1.0,),
    verdict="holds", by_seed=((0.89, 0.125), (0.91, 0.125)), percent=True,
)  # fmt: skip
LOST = ClaimResult("or | not", "Theorem 4.4", "falling", ours=(2.0,), verdict="fails", by_seed=((2.0,),))
OPEN = evolve(LOST, verdict="undecided", reason="[1, 3] crosses the bound")


class Declares:
    """A component that claims."""

    finding = evolve(LOST, claim="unfinished", ours=(), verdict=None, by_seed=())


def claimed(name: str, finding: ClaimResult) -> Any:
    return done("analysis", name, value=finding, shortfall=None if finding.verdict == "holds" else "it does not")


def test_claims_come_in_the_order_of_the_file_and_unfinished_ones_are_not_known() -> None:
    broken = failed("analysis", "broken")
    object.__setattr__(broken.node, "component", Declares())
    outcome = outcome_of(claimed("b", LOST), broken, done("analysis", "other", value={}), claimed("a", HELD))
    order: dict[str, Any] = {name: {} for name in ("a", "other", "broken", "b")}
    found = collect_claims(evolve(graph_of(outcome), resolved={"analysis": order}), outcome)
    assert [one.claim for one in found] == ["so it is", "unfinished", "or | not"]
    assert found[1].verdict is None


def test_a_table_shows_the_papers_figure_ours_and_the_closed_forms_over_seeds() -> None:
    lines = claims_table({"x": [HELD, LOST, OPEN, Declares.finding]})
    assert lines[0].startswith("Claims, 1 of 4 hold, 1 fails, 1 undecided, 1 not known ([a, b]: the 95 % interval")
    assert lines[1].split() == ["claim", "paper", "ours", "closed", "form", "holds", "if", "seeds", "verdict"]
    assert " ".join(lines[2].split()) == "so it is 98.6 % 90.0 [87.9, 91.2], 12.5 % 100 % >= 10 % 2 holds"
    assert " ".join(lines[3].split()) == "or | not - 2 - falling one fails"
    assert " ".join(lines[4].split()) == "or | not - 2 - falling one undecided: [1, 3] crosses the bound"
    assert " ".join(lines[5].split()) == "unfinished - - - falling - not known"
    assert claims_table({"x": []}) == []
    assert claims_table({"x": [LOST]})[0] == "Claims, 0 of 1 hold, 1 fails"


def test_the_experiment_leads_the_row_where_there_are_several() -> None:
    lines = claims_table({"one": [HELD], "two": [LOST], "none": []})
    assert [line.split()[0] for line in lines[1:]] == ["experiment", "one", "two"]


def test_markdown_rows_have_one_cell_a_column() -> None:
    rows = claims_markdown({"x": [HELD, LOST]}).splitlines()
    assert rows[0].startswith("| experiment | claim | source | paper | ours |")
    assert {row.replace(r"\|", "").count("|") for row in rows} == {10}
    assert (
        rows[2]
        == "| x | so it is | Section 5 | 98.6 % | 90.0 [87.9, 91.2], 12.5 % | 100 % | >= 10 % | 2 | holds |"
    )


def test_the_answer_has_a_table_of_claims_and_the_summary_holds_them() -> None:
    outcome = outcome_of(claimed("a", HELD), claimed("b", LOST), failed("analysis", "c"))
    text = format_answer(outcome, Path("o"), (), [HELD, LOST])
    assert "Claims, 1 of 2 hold, 1 fails" in text
    assert "it does not" not in text  # the table says so
    assert "failed: analysis.c" in text
    held, lost = RunSummary.of(graph_of(outcome), outcome).data["claims"]
    assert (held["paper"], held["ours"], held["theory"], held["verdict"]) == (
        "98.6 %",
        [0.9, 0.125],
        [1.0],
        "holds",
    )
    assert held["by_seed"] == [[0.89, 0.125], [0.91, 0.125]]
    assert lost["verdict"] == "fails"
