"""The text of a docstring as part of a page: code in backticks, formulas typeset."""

from __future__ import annotations

import re
from collections.abc import Iterator

from markupsafe import Markup, escape

from flowlab.docs.formulas import to_mathml
from flowlab.docs.plain_math import split_formulas, to_latex


def render_prose(text: str, typeset: bool = True) -> Markup:
    """A paragraph. Raises FormulaError where one of its formulas is not well formed, unless none is typeset."""
    return Markup("").join(_pieces(text, typeset))


def render_paragraphs(text: str) -> Markup:
    """Paragraphs, parted by empty lines; an indented one is shown as it is written."""
    return Markup("").join(
        Markup("<pre>{}</pre>").format(part)
        if part.startswith("    ")
        else Markup("<p>{}</p>").format(render_prose(part))
        for part in re.split(r"\n\s*\n", text)
        if part.strip()
    )


def _pieces(text: str, typeset: bool) -> Iterator[Markup]:
    for index, piece in enumerate(re.split(r"`([^`]*)`", text)):
        if index % 2:
            yield Markup("<code>{}</code>").format(piece)
        else:
            yield from _formulas(piece) if typeset else (escape(piece),)


def _formulas(text: str) -> Iterator[Markup]:
    """Text with its formulas as MathML; spaces at its ends are kept."""
    before = text[: len(text) - len(text.lstrip())]
    after = text[len(text.rstrip()) :] if text.strip() else ""
    yield escape(before)
    for index, piece in enumerate(split_formulas(text)):
        if index:
            yield Markup(" ")
        if piece.formula:
            yield escape(piece.before) + to_mathml(to_latex(piece.text)) + escape(piece.after)
        else:
            yield escape(piece.text)
    yield escape(after)
