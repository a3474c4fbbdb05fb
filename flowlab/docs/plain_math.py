"""Formulas as docstrings write them, in ASCII, found in their sentences and put into LaTeX.

`h(y) = sum_k a_k relu(w_k . y + b_k)` is readable in a terminal, and typeset on a page.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from attrs import define, frozen

from flowlab.docs.formulas import FormulaError

_GREEK = frozenset(
    (
        "alpha",
        "beta",
        "gamma",
        "delta",
        "epsilon",
        "eta",
        "kappa",
        "lambda",
        "mu",
        "nu",
        "phi",
        "rho",
        "sigma",
        "tau",
    )
)
_KNOWN = frozenset(["max", "min", "log", "exp", "cos", "sin"])  # commands of LaTeX
_FUNCTIONS = frozenset(["relu", "clip", "softmax", "argmax"])
_SIGNS = {
    ".": r"\cdot", "*": r"\cdot", "<=": r"\le", ">=": r"\ge", "!=": r"\ne", "<-": r"\leftarrow", "->": r"\to",
    "~": r"\sim", "..": r"\dots", "...": r"\dots", "<": "<", ">": ">",
}  # fmt: skip
_CLOSING = {"(": ")", "[": "]", "{": "}"}
_KEY = r"[a-z]{2,}(?:_[a-z]{3,})+"  # a component's key: multiplier_rate
_TOKEN = re.compile(
    rf"<-|->|<=|>=|!=|\.{{2,3}}|\d+(?:[.,]\d+)*|{_KEY}|(?<=_)[A-Za-z]+\d+|[A-Za-z]+'*|[^\sA-Za-z\d]"
)
_RELATIONS = frozenset(["=", "<", ">", "<=", ">=", "<-", "~", "!="])
_OPERATORS = _RELATIONS | frozenset(["+", "-", "/", "*", "."])

_SYMBOL = r"(?:[A-Za-z]|" + "|".join((*_GREEK, *_KNOWN, *_FUNCTIONS, "sum", "sqrt")) + r")'*"
_DIFFERENTIAL = r"d(?:y|r|t|sigma|tau)"
# A word that only a formula has: an index, a power, a function of something, a length.
_STRONG = re.compile(
    rf"\b{_SYMBOL}_(?!{_KEY})[A-Za-z0-9{{]|\b[A-Za-z]+_[a-zA-Z]{{1,2}}(?![A-Za-z])|[A-Za-z\d)}}|]\^|\b{_SYMBOL}\(|\|[A-Za-z]"
)
# One that a formula may have: a symbol, a number, a differential.
_WEAK = re.compile(
    rf"[(\[|]*(?:-?{_SYMBOL}|{_DIFFERENTIAL}|-?\d[\d.]*(?:\.\.[A-Z])?)[)\]|]*"
    rf"(?:/-?(?:{_SYMBOL}|{_DIFFERENTIAL}|\d+)[)\]|]*)?|\d+/\([^()]*\)"
)
_MARKS = ".,;:"


@frozen
class Piece:
    """Some words, or a formula as it is written with the marks that touch it."""

    text: str
    formula: bool = False
    before: str = ""
    after: str = ""


def split_formulas(text: str) -> list[Piece]:
    """The formulas of a text and what stands between them; joined by spaces they are the text again."""
    words = list(_words(text))
    kinds = [_kind(word) for word in words]
    _absorb_names(words, kinds)
    pieces: list[Piece] = []
    start = 0
    while start < len(words):
        end = start
        while end < len(words) and (kinds[end] != "word") == (kinds[start] != "word"):
            end += 1
            if (
                kinds[end - 1] not in ("word", "operator")
                and words[end - 1][-1] in ".;:"
                and words[end - 1] != "."
            ):
                break  # the end of a sentence
        if kinds[start] == "word":
            pieces.append(Piece(" ".join(words[start:end])))
        else:
            pieces += _trimmed(words[start:end], kinds[start:end])
        start = end
    return pieces


def _words(text: str) -> Iterator[str]:
    """What spaces part, but for spaces in braces and in what a function is taken of."""
    word = ""
    for part in text.split():
        word = f"{word} {part}" if word else part
        inner = word.lstrip("([|")
        if "`" in word or (inner.count("{") <= inner.count("}") and inner.count("(") <= inner.count(")")):
            yield word
            word = ""
    yield from word.split()  # what is never closed


def _kind(word: str) -> str:
    """operator, strong, weak or word: how much it looks like a part of a formula."""
    bare = word.rstrip(_MARKS)
    if word in _OPERATORS:
        return "operator"
    if re.search(r"`|://|\.py\b", word) or bare in ("a", "A", "I") or not bare:
        return "word"
    if _STRONG.search(bare):
        return "strong"
    return "weak" if _WEAK.fullmatch(bare) else "word"


def _absorb_names(words: list[str], kinds: list[str]) -> None:
    """A word that an operator ties to a formula is a quantity's name: |x_n| = radius, penalty / M."""
    for index, word in enumerate(words):
        if kinds[index] != "word" or not re.fullmatch(r"[a-z_]+,?", word):
            continue
        before = kinds[index - 1] if index else "word"
        after = kinds[index + 1] if index + 1 < len(words) and word[-1] != "," else "word"
        if before == "operator" and (
            kinds[max(index - 2, 0)] in ("strong", "weak") or after in ("strong", "operator")
        ):
            kinds[index] = "weak"


def _trimmed(words: list[str], kinds: list[str]) -> Iterator[Piece]:
    """A run of words as text, formula and text; all of it text where no word is a formula's alone."""
    related = any(
        word in _RELATIONS and 0 < index < len(words) - 1 and re.search(r"[A-Za-z]", words[index - 1])
        for index, word in enumerate(words)
    )
    if "strong" not in kinds and not related:
        yield Piece(" ".join(words))
        return
    start, end = 0, len(words)
    while kinds[end - 1] == "operator" or words[end - 1] == "sum" or _is_apart(words[:end], kinds):
        end -= 1
    while kinds[start] == "operator" and words[start] != "-":
        start += 1
    for index in range(start + 1, end):  # a bracket that the formula doesn't close belongs to the sentence
        if words[index].startswith("(") and _unclosed(" ".join(words[index:end])) > 0:
            yield from _trimmed(words[:index], kinds[:index])
            yield from _trimmed(words[index:], kinds[index:])
            return
    formula = " ".join(words[start:end])
    tail = formula[len(formula.rstrip(_MARKS)) :]
    formula = formula.rstrip(_MARKS)
    head = ""
    while formula.startswith("(") and _unclosed(formula) > 0:
        head, formula = head + "(", formula[1:]
    while formula.endswith(")") and _unclosed(formula) < 0:
        formula, tail = formula[:-1].rstrip(_MARKS), ")" + tail
    if start:
        yield Piece(" ".join(words[:start]))
    yield Piece(formula, True, head, tail)
    if end < len(words):
        yield Piece(" ".join(words[end:]))


def _is_apart(words: list[str], kinds: list[str]) -> bool:
    """Whether the last of them is a single symbol after a comma: the begin of more words."""
    return len(words) > 1 and kinds[len(words) - 1] == "weak" and words[-2][-1] in ",;"


def _unclosed(text: str) -> int:
    return text.count("(") - text.count(")")


def to_latex(formula: str) -> str:
    """A formula in LaTeX. Raises FormulaError for one that isn't well formed."""
    reader = _Reader(formula, _TOKEN.findall(formula))
    return reader.sequence("")


@define
class _Reader:
    """Reads tokens from the left: atoms with their indices and powers, groups in brackets."""

    formula: str
    tokens: list[str]
    at: int = 0

    def sequence(self, closing: str) -> str:
        """Everything up to the closing bracket, which is taken; up to the end where there is none."""
        parts: list[str] = []
        while self.at < len(self.tokens):
            if closing and self.tokens[self.at] == closing:
                self.at += 1
                return " ".join(parts)
            parts.append(self.spaced(self.atom(), parts))
        if closing:
            raise FormulaError(f"{closing!r} is missing: {self.formula!r}")
        return " ".join(parts)

    def spaced(self, atom: str, parts: list[str]) -> str:
        """An atom with its index and power; a name of several letters stands apart from its neighbours."""
        latex = atom + self.scripts()
        if not atom.startswith(r"\text"):
            return latex
        before = r"\, " if parts and parts[-1][-1].isalnum() else ""
        after = r"\," if self.peek() == "(" or self.peek().isalnum() else ""
        return f"{before}{latex}{after}"

    def atom(self) -> str:
        token = self.tokens[self.at]
        self.at += 1
        if token == "sqrt" and self.peek() == "(":
            self.at += 1
            return rf"\sqrt{{{self.sequence(')')}}}"
        if token in _CLOSING:
            inner = self.sequence(_CLOSING[token])
            return f"{{{inner}}}" if token == "{" else f"{token}{inner}{_CLOSING[token]}"
        if token in ")]}_^":
            raise FormulaError(f"{token!r} stands alone: {self.formula!r}")
        return _SIGNS.get(token) or (_name(token) if token[0].isalpha() else token)

    def scripts(self) -> str:
        """The index and the power of what was just read."""
        found = ""
        while self.peek() in ("_", "^"):
            mark = self.tokens[self.at]
            self.at += 1
            if self.peek() == "":
                raise FormulaError(f"nothing after {mark!r}: {self.formula!r}")
            found += f"{mark}{{{self.script(mark)}}}"
        return found

    def script(self, mark: str) -> str:
        token = self.tokens[self.at]
        if token in "({":
            self.at += 1
            return self.sequence(_CLOSING[token])
        self.at += 1
        if mark == "^" and token == "T":
            return r"\top"
        if re.fullmatch(r"[A-Za-z]{1,3}\d*", token) and token not in (*_KNOWN, *_GREEK):
            return " ".join(token)  # two indices
        return _name(token) if token[0].isalpha() else token

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""


def _name(token: str) -> str:
    name, primes = token.rstrip("'"), token[len(token.rstrip("'")) :]
    if name in _GREEK or name in _KNOWN:
        latex = rf"\{name}"
    elif name == "sum":
        latex = r"\sum"
    elif name in _FUNCTIONS:
        latex = rf"\operatorname{{{name}}}"
    elif name == "in":
        latex = r"\in"
    elif name == "inf":
        latex = r"\infty"
    elif len(name) > 1 and name[0] == "d" and (len(name) == 2 or name[1:] in _GREEK):
        latex = f"d {_name(name[1:])}"
    else:
        latex = name if len(name) == 1 else rf"\text{{{name}}}"
    return latex + primes
