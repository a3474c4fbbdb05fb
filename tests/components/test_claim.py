"""Claims on metrics whose figures are known."""

import itertools
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from flowlab.api import Context, NodeError
from flowlab.components.analyses.claim import Claim

CONTEXT = Context(0, "claim", torch.float64, torch.device("cpu"))
figures = st.lists(st.floats(-10, 10), min_size=1, max_size=6)


def judged(*values, metric="share", theory=(), **rule):
    """The finding of one figure an analysis."""
    claim = Claim("so it is", "Section 5", ("a",), metric, **rule)
    ours = {f"a[n={n}]": {"share": value} for n, value in enumerate(values)}
    return claim.build(
        CONTEXT, ours=ours, theory={f"t[n={n}]": {"share": value} for n, value in enumerate(theory)}
    )


@given(figures, st.floats(-10, 10), st.floats(0, 5))
def test_a_bound_holds_if_every_figure_keeps_it(values, bound, distance):
    assert judged(*values, at_least=bound).value.holds == all(value >= bound for value in values)
    assert judged(*values, at_most=bound).value.holds == all(value <= bound for value in values)
    near = all(abs(value - bound) <= distance for value in values)
    assert judged(*values, within=(bound, distance)).value.holds == near
    apart = max(abs(one - two) for one in values for two in values)
    if len(values) > 1:
        assert judged(*values, alike=distance).value.holds == (apart <= distance)


@given(figures.filter(lambda values: len(values) > 1))
def test_a_trend_goes_one_way_from_end_to_end(values):
    pairs = list(itertools.pairwise(values))
    falls = all(one >= two for one, two in pairs) and values[0] > values[-1]
    assert judged(*values, trend="falling").value.holds == falls
    assert judged(*(-value for value in values), trend="rising").value.holds == falls


def test_all_rules_of_a_claim_must_hold():
    assert judged(0.2, 0.4, at_least=0.1, trend="rising").value.holds
    assert not judged(0.2, 0.4, at_least=0.3, trend="rising").value.holds
    assert not judged(0.2, 0.4, at_least=0.1, trend="falling").value.holds


def test_a_claim_that_fails_is_a_shortfall_and_the_row_says_what_was_found():
    result = judged(0.9, 0.125, theory=(1.0,), at_least=0.5, percent=True, paper="98.6 %")
    assert result.shortfall == "so it is: found 90, 12.5 %, claimed >= 50 %"
    finding = result.value
    assert (finding.paper, finding.ours, finding.theory) == ("98.6 %", (0.9, 0.125), (1.0,))
    assert result.metrics["ours"] == (0.9, 0.125)
    assert judged(0.9, at_least=0.5).shortfall is None


def test_a_number_as_the_papers_figure_is_shown_like_ours():
    assert judged(0.9, at_least=0.5, paper=0.986, percent=True).value.paper == "98.6 %"
    assert judged(0.9, at_least=0.5, paper=0.986).value.paper == "0.986"


NESTED = {"pf": {"training": 0.25, "virtual": None}, "a/linf/0.1": {"training": 7}, "levels": [3, math.nan]}


@pytest.mark.parametrize(("place", "found"), [("pf.training", 0.25), ("a/linf/0.1.training", 7), ("levels.0", 3)])
def test_a_metric_is_found_by_the_keys_that_lead_to_it(place, found):
    claim = Claim("c", "s", ("a",), place, at_least=0.0)
    assert claim.build(CONTEXT, ours={"a": NESTED}, theory={}).value.ours == (found,)


def test_several_metrics_of_several_analyses_come_in_order():
    claim = Claim("c", "s", ("a", "b"), ("x", "y"), theory_metric="x", at_least=0.0)
    metrics = {"a": {"x": 1, "y": 2}, "b": {"x": 3, "y": 4}}
    finding = claim.build(CONTEXT, ours=metrics, theory=metrics).value
    assert (finding.ours, finding.theory) == ((1, 2, 3, 4), (1, 3))


@pytest.mark.parametrize(("place", "shown"), [("pf.virtual", "-"), ("levels", "3, -")])
def test_of_a_figure_that_is_null_nothing_is_known(place, shown):
    result = Claim("c", "s", ("a",), place, at_least=0.0).build(CONTEXT, ours={"a": NESTED}, theory={})
    assert result.value.holds is None
    assert result.value.shown(*result.value.ours) == shown
    assert result.shortfall is not None


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("pf.trianing", "did you mean 'pf.training'"),
        ("zzz", "there are: pf.training, pf.virtual, a/linf/0.1.training, levels.0, levels.1"),
    ],
)
def test_a_metric_that_is_not_there_is_named_with_the_nearest_one(place, words):
    with pytest.raises(NodeError, match="'a' has no number at") as caught:
        Claim("c", "s", ("a",), place, at_least=0.0).build(CONTEXT, ours={"a": NESTED}, theory={})
    assert words in str(caught.value)


def test_a_place_of_several_numbers_names_them_all():
    found = judged([6, 6, 6, 3], at_least=4, trend="falling").value
    assert (found.ours, found.holds) == ((6, 6, 6, 3), False)
    assert found.shown(*found.ours) == "6 (3 times), 3"
    assert found.shown(*range(9)) == "0, 1, 2, 3, 4, ..., 8"
    assert judged([6, 6, 6, 3], metric="share.3", within=(3, 0)).value.holds


def test_a_claim_without_a_rule_is_a_misfit():
    assert [misfit.field for misfit in Claim("c", "s", ("a",), "x").check({"ours": (None,)})] == ["text"]


@pytest.mark.parametrize("rule", [{"trend": "falling"}, {"alike": 0.1}])
def test_one_figure_has_no_trend(rule):
    with pytest.raises(NodeError, match="there is one only"):
        judged(0.5, **rule)
    assert judged(0.5, at_least=0.1).value.holds
