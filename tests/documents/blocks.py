"""The code blocks of a Markdown document."""

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
