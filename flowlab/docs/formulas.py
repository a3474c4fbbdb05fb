"""Formulas typeset when the pages are built: LaTeX to MathML, which browsers show without a script."""

from __future__ import annotations

import re
from functools import cache
from xml.etree import ElementTree

from latex2mathml.converter import convert
from markupsafe import Markup

_NAMESPACE = "http://www.w3.org/1998/Math/MathML"
_ARITY = {"mfrac": 2, "msub": 2, "msup": 2, "msubsup": 3, "munder": 2, "mover": 2, "munderover": 3, "mroot": 2}
_SPACES = {bar: {"lspace": "0", "rspace": "0"} for bar in ("|", "∣", "‖")}  # of a length, no relation
_LIMITS = ("max", "min", "∑")  # what they range over stands below them in a formula of its own


class FormulaError(ValueError):
    """A formula that can't be typeset: the rule that it breaks."""


@cache
def to_mathml(latex: str, display: bool = False) -> Markup:
    """A formula as MathML. Raises FormulaError for all that would not be shown as it is meant."""
    _check_braces(latex)
    if re.search(r"\\text\{[^}]*[<>&]", latex):  # the converter doesn't escape it
        raise FormulaError(f"a text with markup: {latex!r}")
    try:
        tree = ElementTree.fromstring(convert(latex, display="block" if display else "inline"))
    except ElementTree.ParseError as error:
        raise FormulaError(f"not known to the converter: {latex!r}") from error
    except Exception as error:  # the converter's own errors have no common type
        raise FormulaError(f"{type(error).__name__}: {latex!r}") from error
    for element in tree.iter():
        name = element.tag.removeprefix(f"{{{_NAMESPACE}}}")
        if "\\" in (element.text or ""):
            raise FormulaError(f"unknown command {element.text}: {latex!r}")
        if len(element) != _ARITY.get(name, len(element)):
            raise FormulaError(f"{name} has {len(element)} parts, not {_ARITY[name]}: {latex!r}")
        element.tag = name
    _space_operators(tree, False)
    for element in tree.iter():
        if display and element.tag == "msub" and element[0].text in _LIMITS:
            element.tag = "munder"
        if element.tag == "mo" and element.text == "∣":
            element.attrib["stretchy"] = "false"
    text = ElementTree.tostring(tree, encoding="unicode")
    return Markup(text.replace("<math ", f'<math xmlns="{_NAMESPACE}" ', 1))


def _space_operators(element: ElementTree.Element, bracketed: bool) -> None:
    """No space about the bars of a length; a thin one about the name of a function, none before its bracket."""
    if element.tag == "mo":
        element.attrib.update(_SPACES.get(element.text or "", {}))
        if re.fullmatch(r"[A-Za-z]{2,}", element.text or ""):
            element.attrib.update(form="prefix", lspace="0.17em", rspace="0" if bracketed else "0.17em")
    children = list(element)
    for index, child in enumerate(children):
        follower = "".join(children[index + 1].itertext()) if index + 1 < len(children) else ""
        inner = bracketed if element.tag in _ARITY else follower.startswith(("(", "|"))
        _space_operators(child, inner)


def _check_braces(latex: str) -> None:
    depth = 0
    for brace in re.findall(r"(?<!\\)[{}]", latex):
        depth += 1 if brace == "{" else -1
        if depth < 0:
            break
    if depth:
        raise FormulaError(f"braces don't match: {latex!r}")
