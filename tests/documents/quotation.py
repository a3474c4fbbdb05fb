"""Output as a document quotes it, against what comes out."""

from __future__ import annotations

import re

_NUMBER = re.compile(r"\d+(?:\.\d+)?(?:e[+-]?\d+)?")
_CHANGING = ((r"\b\d+(\.\d+)? s\b", "# s"), (r"\b[0-9a-f]{64}\b", "…"))  # durations, keys of the store


def differs(quoted: str, found: str, tolerance: float = 0.0, counts: bool = False) -> str:
    """Where the output departs from the quotation, or an empty string.

    A line "..." stands for any lines. Figures may differ by the tolerance, whole numbers only where it is one of
    `counts`, times and keys by anything, and columns in their width.
    """
    lines = [_even(line) for line in found.strip().splitlines()]
    chunks = [[]]
    for line in quoted.strip().splitlines():
        if line.strip() == "...":
            chunks.append([])
        else:
            chunks[-1].append(_even(line))
    at = 0
    for index, chunk in enumerate(chunks):
        last = len(lines) - len(chunk)
        starts = [0] if index == 0 else [last] if index == len(chunks) - 1 and chunk else range(at, last + 1)
        start = next((one for one in starts if one >= at and _agree(chunk, lines[one:], tolerance, counts)), None)
        if start is None:
            return "\n".join([f"not found, within {tolerance:g}:", *chunk, "in:", *lines[at:]])
        at = start + len(chunk)
    return "" if len(chunks) > 1 or at == len(lines) else f"more comes out: {lines[at:]}"


def _even(line: str) -> str:
    for pattern, text in _CHANGING:
        line = re.sub(pattern, text, line)
    return " ".join(line.split())


def _agree(quoted: list[str], found: list[str], tolerance: float, counts: bool) -> bool:
    return len(quoted) <= len(found) and all(
        _NUMBER.sub("#", one) == _NUMBER.sub("#", other)
        and all(
            a == b or (abs(float(a) - float(b)) <= tolerance and (counts or "." in a + b))
            for a, b in zip(_NUMBER.findall(one), _NUMBER.findall(other), strict=True)
        )
        for one, other in zip(quoted, found, strict=False)
    )
