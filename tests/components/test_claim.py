"""Claims on metrics whose figures are known."""

import itertools
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from flowlab.api import Context, NodeError, NodeLabel
from flowlab.components.analyses.claim import Claim
from flowlab.theory.statistics.intervals import student

CONTEXT = Context(0, "claim", torch.float64, torch.device("cpu"))
figures = st.lists(st.floats(-10, 10), min_size=1, max_size=6)


def swept(name, **settings):
    """The label of an analysis at one setting of sweeps, the seed's included."""
    paths = {"seed": "experiment.seed"}
    return NodeLabel(name, {paths.get(key, f"node.of.{key}"): value for key, value in settings.items()})


def over_seeds(*rows, **rule):
    """The finding of figures over seeds, a row a seed, of an analysis that two sweeps repeat."""
    claim = Claim("so it is", "Section 5", ("a",), "share", **rule)
    ours = {
        swept("a", n=n, seed=seed): {"share": value}
        for seed, row in enumerate(rows)
        for n, value in enumerate(row)
    }
    return claim.build(CONTEXT, ours=ours, theory={}).value


def holds(*values, **rule):
    """Whether a claim of figures at one seed holds: it does or fails."""
    verdict = judged(*values, **rule).value.verdict
    assert verdict in ("holds", "fails")
    return verdict == "holds"


def judged(*values, metric="share", theory=(), **rule):
    """The finding of one figure an analysis."""
    claim = Claim("so it is", "Section 5", ("a",), metric, **rule)
    ours = {swept("a", n=n): {"share": value} for n, value in enumerate(values)}
    return claim.build(
        CONTEXT, ours=ours, theory={swept("t", n=n): {"share": value} for n, value in enumerate(theory)}
    )


@given(figures, st.floats(-10, 10), st.floats(0, 5))
def test_a_bound_holds_if_every_figure_keeps_it(values, bound, distance):
    assert holds(*values, at_least=bound) == all(value >= bound for value in values)
    assert holds(*values, at_most=bound) == all(value <= bound for value in values)
    near = all(bound - distance <= value <= bound + distance for value in values)
    assert holds(*values, within=(bound, distance)) == near
    apart = max(abs(one - two) for one in values for two in values)
    if len(values) > 1:
        assert holds(*values, alike=distance) == (apart <= distance)


@given(figures.filter(lambda values: len(values) > 1))
def test_a_trend_goes_one_way_from_end_to_end(values):
    pairs = list(itertools.pairwise(values))
    falls = all(one >= two for one, two in pairs) and values[0] > values[-1]
    assert holds(*values, trend="falling") == falls
    assert holds(*(-value for value in values), trend="rising") == falls


def test_all_rules_of_a_claim_must_hold():
    assert holds(0.2, 0.4, at_least=0.1, trend="rising")
    assert not holds(0.2, 0.4, at_least=0.3, trend="rising")
    assert not holds(0.2, 0.4, at_least=0.1, trend="falling")


def test_a_claim_that_fails_is_a_shortfall_and_the_row_says_what_was_found():
    result = judged(0.9, 0.125, theory=(1.0,), at_least=0.5, percent=True, paper="98.6 %")
    assert result.shortfall == "so it is: fails; found 90, 12.5 %, claimed >= 50 %"
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
    assert claim.build(CONTEXT, ours={NodeLabel("a"): NESTED}, theory={}).value.ours == (found,)


def test_several_metrics_of_several_analyses_come_in_order():
    claim = Claim("c", "s", ("a", "b"), ("x", "y"), theory_metric="x", at_least=0.0)
    metrics = {NodeLabel("a"): {"x": 1, "y": 2}, NodeLabel("b"): {"x": 3, "y": 4}}
    finding = claim.build(CONTEXT, ours=metrics, theory=metrics).value
    assert (finding.ours, finding.theory) == ((1, 2, 3, 4), (1, 3))


@pytest.mark.parametrize(("place", "shown"), [("pf.virtual", "-"), ("levels", "3, -")])
def test_of_a_figure_that_is_null_nothing_is_known(place, shown):
    result = Claim("c", "s", ("a",), place, at_least=0.0).build(CONTEXT, ours={NodeLabel("a"): NESTED}, theory={})
    assert result.value.verdict is None
    assert result.value.format_numbers(*result.value.ours) == shown
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
        Claim("c", "s", ("a",), place, at_least=0.0).build(CONTEXT, ours={NodeLabel("a"): NESTED}, theory={})
    assert words in str(caught.value)


def test_a_place_of_several_numbers_names_them_all():
    found = judged([6, 6, 6, 3], at_least=4, trend="falling").value
    assert (found.ours, found.verdict) == ((6, 6, 6, 3), "fails")
    assert found.format_numbers(*found.ours) == "6 (3 times), 3"
    assert found.format_numbers(*range(9)) == "0, 1, 2, 3, 4, ..., 8"
    assert holds([6, 6, 6, 3], metric="share.3", within=(3, 0))


def test_a_claim_without_a_rule_is_a_misfit():
    assert [misfit.field for misfit in Claim("c", "s", ("a",), "x").check({})] == ["text"]


@pytest.mark.parametrize("rule", [{"trend": "falling"}, {"alike": 0.1}])
def test_one_figure_has_no_trend(rule):
    with pytest.raises(NodeError, match="there is one only"):
        judged(0.5, **rule)
    assert holds(0.5, at_least=0.1)


ROWS = st.integers(2, 6).flatmap(
    lambda k: st.lists(st.lists(st.floats(-10, 10), min_size=k, max_size=k), min_size=2, max_size=7)
)


@given(ROWS, st.floats(-10, 10))
def test_a_bound_never_holds_where_an_interval_crosses_it(rows, bound):
    intervals = [student(column) for column in zip(*rows, strict=True)]
    verdict = over_seeds(*rows, at_least=bound).verdict
    if verdict == "holds":
        assert all(low >= bound for low, _ in intervals)
    elif verdict == "fails":
        assert any(high < bound for _, high in intervals)
    else:
        assert any(low < bound <= high for low, high in intervals)
    mirrored = [[-value for value in row] for row in rows]
    assert over_seeds(*mirrored, at_most=-bound).verdict == verdict


@pytest.mark.parametrize("rule", [{"at_least": 0}, {"within": (0, 2)}, {"alike": 3}, {"trend": "rising"}])
@given(rows=ROWS, data=st.data())
def test_the_order_of_the_seeds_says_nothing(rule, rows, data):
    shuffled = data.draw(st.permutations(rows))
    assert over_seeds(*rows, **rule).verdict == over_seeds(*shuffled, **rule).verdict


@given(st.floats(-10, 10), st.floats(-10, 10), st.integers(2, 6))
def test_figures_without_spread_are_judged_as_points(figure, bound, seeds):
    rows = [[figure]] * seeds
    assert over_seeds(*rows, at_least=bound).verdict == ("holds" if figure >= bound else "fails")
    assert over_seeds(*rows, within=(figure, 0)).verdict == "holds"
    assert over_seeds(*rows, at_least=bound).ours == (figure,)


@given(ROWS)
def test_a_trend_does_not_hold_both_ways(rows):
    verdicts = [over_seeds(*rows, trend=way).verdict for way in ("rising", "falling")]
    assert verdicts.count("holds") <= 1
    if "holds" in verdicts:
        # the other way fails at half the level: it can be refuted in two ways
        assert set(verdicts) in ({"holds", "fails"}, {"holds", "undecided"})


def test_a_trend_inside_its_interval_is_undecided():
    """Of the first seed alone it would hold."""
    rows = [[0.66, 0.62], [0.61, 0.65], [0.64, 0.63], [0.60, 0.66], [0.65, 0.62]]
    assert holds(*rows[0], trend="falling")
    found = over_seeds(*rows, trend="falling")
    assert (found.verdict, found.seeds) == ("undecided", 5)
    assert found.reason == "Page p = 0.5; open step 1"


def test_two_settings_take_five_seeds():
    rows = [[0.1, 0.5 + 0.1 * seed] for seed in range(5)]
    assert over_seeds(*rows[:4], trend="rising").verdict == "undecided"
    found = over_seeds(*rows, trend="rising")
    assert (found.verdict, found.reason) == ("holds", "Page p = 0.031")
    assert over_seeds(*rows, trend="falling").verdict == "fails"


def test_seeds_that_do_not_differ_are_no_replication():
    found = over_seeds(*[[0.1, 0.2]] * 2, trend="rising")
    assert (found.verdict, found.reason) == ("holds", "the same at each seed")
    assert over_seeds(*[[0.2, 0.2]] * 5, trend="rising").verdict == "fails"
    assert over_seeds(*[[0.2]] * 5, at_least=0.3).reason == "the same at each seed"


def test_one_step_the_other_way_refutes_a_trend_that_page_finds():
    rows = [[0.1 * k, 1 + 0.1 * k, 0.5 + 0.1 * k, 2 + 0.1 * k, 3 + 0.11 * k] for k in range(5)]
    found = over_seeds(*rows, trend="rising")
    assert found.verdict == "fails"
    assert found.reason.startswith("Page p = ")
    assert found.reason.endswith("the other way goes step 2")


def test_an_undecided_bound_says_its_interval_in_words():
    found = over_seeds([0.5], [0.6], [0.55], at_least=0.55, percent=True)
    assert (found.verdict, found.our_figures) == ("undecided", "55 [43, 67] %")
    assert found.reason == "[42.58 %, 67.42 %] crosses the bound"
    assert over_seeds([0.5], [0.6], [0.55], at_least=0.9).reason == "[0.4258, 0.6742] is outside"


def test_the_interval_of_a_share_at_the_end_of_its_range_is_lopsided():
    metrics = {swept("a", seed=seed): {"flow": {"share": 0.0, "starts": 500}} for seed in range(5)}
    claim = Claim("c", "s", ("a",), "flow.share", at_most=0.01, percent=True)
    found = claim.build(CONTEXT, ours=metrics, theory={}).value
    # Clopper and Pearson of none in 2,500: 1 - 0.025^(1/2500)
    assert found.ours_intervals == (pytest.approx((0.0, 1 - 0.025 ** (1 / 2500))),)
    assert found.our_figures == "0.00 [0.00, 0.15] %"


def test_figures_that_are_alike_are_so_seed_by_seed():
    rows = [[0.1, 0.11], [0.5, 0.51], [0.9, 0.911]]  # far apart between seeds
    assert over_seeds(*rows, alike=0.02).verdict == "holds"
    assert over_seeds(*rows, alike=0.005).verdict == "fails"
    assert over_seeds(*rows, alike=0.0105).reason.startswith("difference [")


def test_a_claim_of_every_seed_is_refuted_by_one():
    rows = [[1.0], [1.0], [0.998], [1.0], [1.0]]
    assert over_seeds(*rows, at_least=1.0).verdict == "undecided"
    found = over_seeds(*rows, at_least=1.0, every_seed=True)
    assert (found.verdict, found.reason) == ("fails", "against it 1 of 5 seeds, the first with 0.998")
    assert found.rule == ">= 1, each seed"
    assert over_seeds(*rows, at_least=0.998, every_seed=True).verdict == "holds"
    assert over_seeds([1, 2], [3, 4], trend="rising", every_seed=True).verdict == "holds"


def test_seeds_with_different_numbers_of_figures_are_refused():
    ours = {swept("a", seed=0): {"share": [1, 2]}, swept("a", seed=1): {"share": [1]}}
    with pytest.raises(NodeError, match="different numbers of figures at 'share'"):
        Claim("c", "s", ("a",), "share", at_least=0.0).build(CONTEXT, ours=ours, theory={})


def test_the_closed_forms_figures_are_means_over_seeds_too():
    metrics = {swept("a", seed=seed): {"share": 0.5 + seed, "form": seed} for seed in range(3)}
    claim = Claim("c", "s", ("a",), "share", theory=("a",), theory_metric="form", at_least=0.0)
    found = claim.build(CONTEXT, ours=metrics, theory=metrics).value
    assert (found.theory, found.by_seed) == ((1.0,), ((0.5,), (1.5,), (2.5,)))
    assert found.theory_figures == "1.0 [-1.5, 3.5]"
