"""A docstring comes apart into what it is, formulas and source."""

from __future__ import annotations

from flowlab.docs.docstring import Passage, split_docstring

DOC = """Points with a rule.

They lie apart. h(y) = sum_k a_k relu(w_k . y)
over all k. With 40 samples d = 10 is enough. Set `rate = 2` or
rate = 3 by hand. Source: arXiv 2506.19031, Section 5;
arXiv 2311.06748.

More of them where |x| <= r for all x. Nothing else.
"""


def test_parts() -> None:
    found = split_docstring(DOC, ["rate"])
    assert found.summary == "Points with a rule."
    assert found.source == "arXiv 2506.19031, Section 5; arXiv 2311.06748."
    assert found.passages == (
        Passage("They lie apart."),
        Passage("h(y) = sum_k a_k relu(w_k . y) over all k.", formula=True),
        Passage("With 40 samples d = 10 is enough. Set `rate = 2` or rate = 3 by hand."),
        Passage("More of them where |x| <= r for all x.", formula=True),
        Passage("Nothing else."),
    )


def test_nothing_said_has_no_parts() -> None:
    found = split_docstring("", [])
    assert (found.summary, found.passages, found.source) == ("", (), "")
