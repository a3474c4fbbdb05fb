"""Markdown becomes part of a page."""

from __future__ import annotations

import pytest

from flowlab.docs.formulas import FormulaError
from flowlab.docs.markdown import RenderedPage, TextPage, render_markdown

TEXT = """# One `title`

## First part
[there](theory.md#a-b) [out](https://example.org/x.md) <b onclick="x">bold</b>

## Second: σ & τ

| a | b |
|---|---|
| 1 | 2 |
"""


def render(
    text: str, pictures: dict[str, bytes] | None = None, links: dict[str, str] | None = None
) -> RenderedPage:
    return render_markdown(TextPage("docs/a.md", "how-to/a.html", text), pictures or {}, links or {})


def test_headings_become_anchors_and_the_first_the_title() -> None:
    text = render(TEXT)
    assert text.title == "One title"
    assert text.sections == (("first-part", "First part"), ("second-σ-τ", "Second: σ & τ"))
    assert '<h2 id="second-σ-τ">' in text.body
    assert "<td>2</td>" in text.body


def test_links_lead_to_pages_and_other_addresses_stay() -> None:
    text = render(TEXT)
    assert 'href="theory.html#a-b"' in text.body
    assert 'href="https://example.org/x.md"' in text.body


def test_markup_in_the_text_is_text() -> None:
    assert "<b" not in render(TEXT).body
    assert "<script" not in render("[a](javascript:alert)\n\n<script>1</script>\n").body


def test_links_out_of_the_guide_leave_their_text() -> None:
    body = render("[one](../../../../plugins/x/README.md), [two](../reference/b.md)\n").body
    assert body == '<p>one, <a href="../reference/b.html">two</a></p>\n'


def test_a_picture_is_held_by_the_page() -> None:
    held = render("![two bytes](b.png)", {"how-to/b.png": b"\x01\x02"}).body
    assert 'src="data:image/png;base64,AQI="' in held


def test_the_name_of_a_thing_with_a_page_leads_there() -> None:
    body = render("`a.B` and `a.C` and [`a.B`](c.md)\n", links={"a.B": "b.html"}).body
    assert body == (
        '<p><a href="b.html"><code>a.B</code></a> and <code>a.C</code> and '
        '<a href="c.html"><code>a.B</code></a></p>\n'
    )


def test_formulas_are_typeset_in_lines_and_of_their_own() -> None:
    body = render("With $x_n$ apart:\n\n$$\\frac{a}{b}$$\n").body
    assert "<msub><mi>x</mi><mi>n</mi></msub>" in body
    assert '<math xmlns="http://www.w3.org/1998/Math/MathML" display="block"><mrow><mfrac>' in body
    assert "$" not in body


@pytest.mark.parametrize("formula", ["$\\nothing$", "$$\\frac{a}$$", "$x_$", "$\\left( x$", "${a$", "$a}$"])
def test_a_formula_that_cannot_be_typeset_is_an_error_with_its_place(formula: str) -> None:
    with pytest.raises(FormulaError, match=r"^docs/a\.md:3: "):
        render(f"# Title\n\n{formula}\n")


def test_a_wide_table_scrolls_by_itself() -> None:
    assert '<div class="scroll" tabindex="0" role="region" aria-label="table"><table>' in render(TEXT).body
