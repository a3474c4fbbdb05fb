"""The guide's search index: the headings and texts of all pages, section by section."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from html.parser import HTMLParser

from attrs import define, field, frozen

_UNREAD = frozenset(("script", "style", "nav", "header", "title", "math"))  # formulas are no words
_HEADINGS = frozenset(("h1", "h2", "h3"))
_BLOCKS = frozenset(
    ("p", "li", "td", "th", "div", "pre", "tr", "dt", "dd", "br", "h1", "h2", "h3", "h4", "table", "summary")
)
_TRANSLATION = {ord(sign): f"\\u{ord(sign):04x}" for sign in ("<", ">", "&", "\u2028", "\u2029")}


@frozen
class SearchEntry:
    """A section of a page: its anchor, empty for what stands above all headings, and its words."""

    page: str
    anchor: str
    title: str
    heading: str
    text: str


def search_script(pages: Mapping[str, bytes]) -> bytes:
    """The index as a script: a page that is opened as a file may load no JSON.

    A section is page, anchor, title of the page, heading, text.
    """
    entries = [entry for path, page in pages.items() for entry in read_sections(path, page)]
    rows = [[one.page, one.anchor, one.title, one.heading, one.text] for one in entries]
    text = json.dumps(rows, ensure_ascii=False, separators=(",", ":")).translate(_TRANSLATION)
    return f"window.searchIndex = {text};\n".encode()


def read_sections(path: str, page: bytes) -> Iterable[SearchEntry]:
    """The sections of a page that have any words."""
    reader = _Reader()
    reader.feed(page.decode())
    title = reader.sections[1].heading if len(reader.sections) > 1 else ""
    for section in reader.sections:
        words = " ".join("".join(section.text).split())
        heading = " ".join(section.heading.split())
        if words or heading:
            yield SearchEntry(path, section.anchor, " ".join(title.split()), heading, words)


@define
class _Section:
    anchor: str
    heading: str = ""
    text: list[str] = field(factory=list)


@define
class _Reader(HTMLParser):
    """Words by the heading that they stand below."""

    sections: list[_Section] = field(factory=lambda: [_Section("")])
    unread: int = 0
    in_heading: bool = False

    def __attrs_post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _UNREAD:
            self.unread += 1
        elif tag in _HEADINGS and not self.unread:
            self.sections.append(_Section(dict(attrs).get("id") or ""))
            self.in_heading = True
        elif tag in _BLOCKS:
            self.sections[-1].text.append(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag in _UNREAD:
            self.unread -= 1
        elif tag in _HEADINGS:
            self.in_heading = False
        elif tag in _BLOCKS:
            self.sections[-1].text.append(" ")

    def handle_data(self, data: str) -> None:
        if self.unread:
            return
        if self.in_heading:
            self.sections[-1].heading += data
        else:
            self.sections[-1].text.append(data)
