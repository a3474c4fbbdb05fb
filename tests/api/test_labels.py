"""Labels of swept nodes, put together by the graph and taken apart by figures."""

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from flowlab.api import KINDS, NodeError
from flowlab.api.helpers.labels import distinguishing, setting, swept_number, without_setting
from flowlab.graph.node import Node
from flowlab.registry.entry_points import Entry

NODE = Node(KINDS["flow"], "pf", "made-up", Entry("flow", "made-up", "m:M", "m", "1.0"), None, {}, {})


@given(st.one_of(st.floats(allow_nan=False, allow_infinity=False), st.integers(-(10**6), 10**6)))
def test_the_number_in_a_label_is_the_one_swept(number):
    label = evolve(NODE, variant={"denoiser.net.dropout": number, "dataset.box.points": 5}).label
    assert swept_number(label, "dropout") == ("pf[points=5]", number)
    assert swept_number(label, "points") == (f"pf[dropout={number}]", 5)
    assert (without_setting(label), setting(label)) == ("pf", f"dropout={number},points=5")


def test_a_key_that_ends_like_another_is_not_taken_for_it():
    label = evolve(NODE, variant={"flow.a.max_steps": 3, "flow.b.steps": 7}).label
    assert swept_number(label, "steps") == ("pf[max_steps=3]", 7)


@pytest.mark.parametrize(
    ("label", "message"),
    [("pf", "not repeated"), ("pf[points=3]", "not repeated"), ("pf[steps=few]", "no number")],
)
def test_what_holds_no_number_is_refused(label, message):
    with pytest.raises(NodeError, match=message):
        swept_number(label, "steps")


def test_repetitions_of_one_node_are_told_apart_by_their_settings():
    assert distinguishing(["a[n=1]", "a[n=2]"]) == {"a[n=1]": "n=1", "a[n=2]": "n=2"}
    assert distinguishing(["a[n=1]", "b"]) == {"a[n=1]": "a[n=1]", "b": "b"}
    assert distinguishing(["a"]) == {"a": "a"}
