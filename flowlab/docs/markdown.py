"""Markdown as part of a page: headings that can be linked to, typeset formulas, links from page to page."""

from __future__ import annotations

import base64
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise

from attrs import frozen
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup
from mdit_py_plugins.dollarmath import dollarmath_plugin

from flowlab.docs.formulas import FormulaError, to_mathml


@frozen
class RenderedPage:
    """A text as HTML, its title (the first heading), and its sections: anchors and names."""

    title: str
    body: Markup
    sections: tuple[tuple[str, str], ...]


@frozen
class TextPage:
    """A text in Markdown, where it is written, and its place in the guide: `how-to/sweep.html`."""

    source: str
    path: str
    text: str


def render_markdown(page: TextPage, pictures: Mapping[str, bytes], links: Mapping[str, str]) -> RenderedPage:
    """Render CommonMark with tables, and formulas between dollars.

    HTML in the text is shown as it is written. Links to .md files lead to .html; of those out of the guide
    the text is left. PNG pictures are held by the page itself, and code that is the name of a thing with a page
    leads there. Raises FormulaError with file and line.
    """
    parser = MarkdownIt("commonmark", {"html": False}).enable("table").use(dollarmath_plugin, allow_labels=False)
    tokens = parser.parse(page.text)
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
        line = token.map[0] + 1 if token.map else 0
        _typeset(token, page, line)
        if token.children:
            for child in token.children:
                _typeset(child, page, line)
                _hold_picture(child, page, pictures)
            token.children = list(_with_links(_within(token.children, page), links))
    body = re.sub(
        r"<table>(.*?)</table>", _SCROLLING, parser.renderer.render(tokens, parser.options, {}), flags=re.S
    )
    return RenderedPage(title, Markup(body), tuple(sections))


_SCROLLING = r'<div class="scroll" tabindex="0" role="region" aria-label="table"><table>\1</table></div>'


def to_slug(name: str) -> str:
    """The anchor of a heading."""
    return re.sub(r"\W+", "-", name.lower()).strip("-")


def _typeset(token: Token, page: TextPage, line: int) -> None:
    """Put MathML in place of a formula."""
    if not token.type.startswith("math_"):
        return
    display = token.type == "math_block"
    try:
        token.content = to_mathml(token.content.strip(), display)
    except FormulaError as error:
        raise FormulaError(f"{page.source}:{line}: {error}") from error
    if display:
        token.content = f'<div class="equation" tabindex="0">{token.content}</div>\n'
    token.type = "html_block" if display else "html_inline"


def _hold_picture(token: Token, page: TextPage, pictures: Mapping[str, bytes]) -> None:
    """Let a picture be one that the page holds."""
    source = token.attrGet("src")
    if isinstance(source, str):
        path = posixpath.normpath(posixpath.join(posixpath.dirname(page.path), source))
        if path in pictures:
            token.attrSet("src", f"data:image/png;base64,{base64.b64encode(pictures[path]).decode()}")


def _within(tokens: Iterable[Token], page: TextPage) -> Iterator[Token]:
    """Links to texts lead to their pages; of those to other files of the repository the text is left."""
    left = 0
    for token in tokens:
        target = token.attrGet("href")
        if isinstance(target, str) and "://" not in target:
            if posixpath.normpath(posixpath.join(posixpath.dirname(page.path), target)).startswith(".."):
                left += 1
                continue
            token.attrSet("href", re.sub(r"\.md(?=#|$)", ".html", target))
        elif token.type == "link_close" and left:
            left -= 1
            continue
        yield token


def _with_links(tokens: Iterable[Token], links: Mapping[str, str]) -> Iterator[Token]:
    """Code that names a thing with a page leads there, unless it is a link already."""
    depth = 0
    for token in tokens:
        depth += token.type == "link_open"
        depth -= token.type == "link_close"
        if token.type == "code_inline" and token.content in links and not depth:
            yield Token("link_open", "a", 1, attrs={"href": links[token.content]})
            yield token
            yield Token("link_close", "a", -1)
        else:
            yield token
