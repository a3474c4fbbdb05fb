"""The code blocks of a Markdown document, and its links."""

from __future__ import annotations

from pathlib import Path

from attrs import frozen
from markdown_it import MarkdownIt


@frozen
class Block:
    """A fenced block: its language, the words after it, its text, and the line that it begins at."""

    language: str
    words: tuple[str, ...]
    text: str
    line: int


def blocks(document: Path) -> list[Block]:
    """The fenced blocks of a document, in its order."""
    found = []
    for token in MarkdownIt("commonmark").parse(document.read_text()):
        if token.type == "fence":
            language, *words = token.info.split() or [""]
            found.append(Block(language, tuple(words), token.content, token.map[0] + 1))
    return found


def links(document: Path) -> list[str]:
    """Where a document's links and pictures lead, those to the network left out."""
    tokens = [
        child for token in MarkdownIt("commonmark").parse(document.read_text()) for child in token.children or ()
    ]
    ends = [str(token.attrGet("href") or token.attrGet("src") or "") for token in tokens]
    return [end for end in ends if end and "://" not in end]
