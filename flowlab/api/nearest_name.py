"""The valid name nearest to a mistyped one."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(name: str, names: Iterable[str]) -> str | None:
    """The most similar of the names; None if none is similar."""
    return next(iter(difflib.get_close_matches(name, list(names), n=1, cutoff=0.5)), None)
