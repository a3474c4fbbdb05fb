"""A component's docstring in its parts: what it is, its formulas, its source."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from attrs import frozen

_SOURCE = re.compile(r"\s*\bSource: (.*?)\s*(?=\n\s*\n|\Z)", re.DOTALL)
_SENTENCE = re.compile(r"(?<=\S[.:])\s+(?=[A-Z`(]|\S+ (?:=|<-) )")  # w . y is a product, no end
_RELATION = re.compile(r"(\S+) (?:=|<-|<=|>=) (?!\d)")  # of a number alone: a setting, no formula


@frozen
class Passage:
    """Some sentences, or a formula of its own."""

    text: str
    formula: bool = False


@frozen
class DocstringParts:
    """The first line, the rest passage by passage, and where it is from: paper, theorem, equation."""

    summary: str
    passages: tuple[Passage, ...]
    source: str


def split_docstring(doc: str, keys: Iterable[str]) -> DocstringParts:
    """Take a docstring apart. A sentence that sets one of the component's keys is no formula."""
    summary, _, rest = doc.partition("\n")
    sources = [" ".join(text.split()) for text in _SOURCE.findall(rest)]
    return DocstringParts(summary, tuple(_passages(_SOURCE.sub("", rest), set(keys))), " ".join(sources))


def _passages(text: str, keys: set[str]) -> Iterator[Passage]:
    for paragraph in filter(None, map(str.strip, re.split(r"\n\s*\n", text))):
        prose: list[str] = []
        for sentence in _SENTENCE.split(" ".join(paragraph.split())):
            if _is_formula(sentence, keys):
                if prose:
                    yield Passage(" ".join(prose))
                prose = []
                yield Passage(sentence, True)
            else:
                prose.append(sentence)
        if prose:
            yield Passage(" ".join(prose))


def _is_formula(sentence: str, keys: set[str]) -> bool:
    bare = re.sub(r"`[^`]*`", "", sentence)
    related = _RELATION.findall(bare)
    return bool(related) and not keys.intersection(related)
