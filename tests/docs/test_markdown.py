"""Markdown becomes part of a page."""

from __future__ import annotations

from flowlab.docs.markdown import extract_section, render_markdown

TEXT = """# One `title`

## First part
[there](theory.md#a-b) [out](https://example.org/x.md) <b onclick="x">bold</b>

## Second: σ & τ

| a | b |
|---|---|
| 1 | 2 |
"""


def test_headings_become_anchors_and_the_first_the_title() -> None:
    text = render_markdown(TEXT, {}, {})
    assert text.title == "One title"
    assert text.sections == (("first-part", "First part"), ("second-σ-τ", "Second: σ & τ"))
    assert '<h2 id="second-σ-τ">' in text.body
    assert "<td>2</td>" in text.body


def test_links_lead_to_pages_and_other_addresses_stay() -> None:
    text = render_markdown(TEXT, {}, {})
    assert 'href="theory.html#a-b"' in text.body
    assert 'href="https://example.org/x.md"' in text.body


def test_markup_in_the_text_is_text() -> None:
    assert "<b" not in render_markdown(TEXT, {}, {}).body
    assert "<script" not in render_markdown("[a](javascript:alert)\n\n<script>1</script>\n", {}, {}).body


def test_a_picture_is_held_by_the_page() -> None:
    assert (
        'src="data:image/png;base64,AQI="'
        in render_markdown("![two bytes](a.png)", {"a.png": b"\x01\x02"}, {}).body
    )


def test_the_name_of_a_thing_with_a_page_leads_there() -> None:
    body = render_markdown("`a.B` and `a.C`\n", {}, {"a.B": "b.html"}).body
    assert body == '<p><a href="b.html"><code>a.B</code></a> and <code>a.C</code></p>\n'


def test_a_section_ends_where_the_next_begins() -> None:
    assert extract_section(TEXT, "First part").startswith("# First part\n[there]")
    assert "Second" not in extract_section(TEXT, "First part")
    assert extract_section(TEXT, "Second: σ & τ").endswith("| 1 | 2 |\n")
    assert extract_section(TEXT, "Third") == ""
