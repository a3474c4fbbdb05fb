"""Markdown as part of a page: headings that can be linked to, links from page to page."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise

from attrs import frozen
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup


@frozen
class RenderedPage:
    """A text as HTML, its title (the first heading), and its sections: anchors and names."""

    title: str
    body: Markup
    sections: tuple[tuple[str, str], ...]


def render_markdown(text: str, pictures: Mapping[str, bytes], pages: Mapping[str, str]) -> RenderedPage:
    """Render CommonMark with tables.

    HTML in the text is shown as it is written, links to .md files lead to .html, PNG pictures are held by the page
    itself, and code that is the name of a thing with a page leads there.
    """
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = parser.parse(text)
    title, sections = "", []
    for opening, inline in pairwise(tokens):
        if opening.type == "heading_open":
            name = re.sub(r"[`*]", "", inline.content)
            opening.attrSet("id", to_slug(name))
            if opening.tag == "h1":
                title = title or name
            elif opening.tag == "h2":
                sections.append((to_slug(name), name))
    for token in tokens:
        for child in token.children or ():
            _point(child, pictures)
        token.children = token.children and list(_linked(token.children, pages))
    return RenderedPage(title, Markup(parser.renderer.render(tokens, parser.options, {})), tuple(sections))


def extract_section(text: str, heading: str) -> str:
    """What stands below a second-level heading, with the heading as the title; empty where there is none."""
    found = re.search(rf"^## {re.escape(heading)}\n.*?(?=^## |\Z)", text, re.DOTALL | re.MULTILINE)
    return found[0].removeprefix("#") if found else ""


def to_slug(name: str) -> str:
    """The anchor of a heading."""
    return re.sub(r"\W+", "-", name.lower()).strip("-")


def _point(token: Token, pictures: Mapping[str, bytes]) -> None:
    """Let a link lead to a page, and a picture be one that the page holds."""
    target = token.attrGet("href")
    if isinstance(target, str) and "://" not in target:
        token.attrSet("href", re.sub(r"\.md(?=#|$)", ".html", target))
    source = token.attrGet("src")
    if isinstance(source, str) and source in pictures:
        token.attrSet("src", f"data:image/png;base64,{base64.b64encode(pictures[source]).decode()}")


def _linked(tokens: Iterable[Token], pages: Mapping[str, str]) -> Iterator[Token]:
    for token in tokens:
        if token.type == "code_inline" and token.content in pages:
            yield Token("link_open", "a", 1, attrs={"href": pages[token.content]})
            yield token
            yield Token("link_close", "a", -1)
        else:
            yield token
