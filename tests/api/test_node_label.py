"""Labels of swept nodes, and what figures make of the keys in them."""

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from flowlab.api import KINDS, NodeError, NodeLabel
from flowlab.api.helpers.swept_keys import arrange_labels, check_free_keys, distinguish_labels, swept_path
from flowlab.graph.node import Node
from flowlab.registry.entry_points import Entry

NODE = Node(KINDS["flow"], "pf", "made-up", Entry("flow", "made-up", "m:M", "m", "1.0"), None, {}, {})
VALUES = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(-(10**6), 10**6),
    st.booleans(),
    st.text(max_size=5),
    st.lists(st.integers(0, 9), max_size=3),
)


@given(VALUES, VALUES)
def test_a_label_has_the_values_of_its_node_and_the_same_text(first, second):
    node = evolve(NODE, variant={"denoiser.net.dropout": first, "dataset.box.points": second})
    label = node.given_to(node, True)
    assert str(label) == node.label == f"pf[dropout={first},points={second}]"
    assert label.settings[swept_path(label, "dropout")] is first
    assert label.settings[swept_path(label, "dataset.box.points")] is second
    assert {label: 1} == {NodeLabel("pf", dict(node.variant)): 1}


def test_labels_differ_with_the_type_of_a_value():
    labels = {NodeLabel("a", {"x.y.n": value}) for value in (1, 1.0, True, "1", [1])}
    assert len(labels) == 5


def test_a_key_that_ends_like_another_is_not_taken_for_it():
    label = NodeLabel("pf", {"flow.a.max_steps": 3, "flow.b.steps": 7})
    assert swept_path(label, "steps") == "flow.b.steps"
    both = NodeLabel("pf", {"flow.a.steps": 3, "flow.b.steps": 7})
    with pytest.raises(NodeError, match="write the whole path"):
        swept_path(both, "steps")
    assert swept_path(both, "flow.a.steps") == "flow.a.steps"
    with pytest.raises(NodeError, match="did you mean 'steps'"):
        swept_path(label, "step")


def test_what_moves_with_a_shown_key_is_not_left_for_panels():
    zipped = [
        NodeLabel("a", {"d.x.points": n, "d.x.samples": 10 * n, "e.y.rate": rate, "experiment.seed": seed})
        for n in (1, 2)
        for rate in (0.1, 0.2)
        for seed in (0, 1)
    ]
    shown = arrange_labels(zipped, ["points"])
    assert {str(place.rest) for place in shown.values()} == {"a[rate=0.1]", "a[rate=0.2]"}
    assert [place.values for place in shown.values()] == [(1,)] * 4 + [(2,)] * 4


class Spec:
    """A node as a check sees it."""

    def __init__(self, name, **variant):
        self.name, self.variant, self.inputs, self.component = name, variant, {}, None


def test_keys_without_a_purpose_are_refused():
    grid = [Spec("a", levels=n, rate=r) for n in (1, 2) for r in (3, 4)]
    (issue,) = check_free_keys("denoiser", grid, 1, "one sweep does")
    assert issue.field == "denoiser"
    assert "'levels' and 'rate'" in issue.message
    assert not list(check_free_keys("denoiser", grid, 1, "", known=("rate",)))
    assert not list(check_free_keys("denoiser", [Spec("a", levels=n, rate=-n) for n in (1, 2)], 1, ""))


def test_repetitions_of_one_node_are_told_apart_by_their_settings():
    one, two, other = NodeLabel("a", {"d.x.n": 1}), NodeLabel("a", {"d.x.n": 2}), NodeLabel("b")
    assert distinguish_labels([one, two]) == {one: "n = 1", two: "n = 2"}
    assert distinguish_labels([one, other]) == {one: "a: n = 1", other: "b"}
    assert distinguish_labels([other]) == {other: "b"}
