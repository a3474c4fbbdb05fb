"""A name that a run doesn't have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from flowlab.api import ExperimentError, Problem
from flowlab.api.nearest_name import nearest

_SHOWN_NAMES = 12


class UnknownName(ExperimentError, KeyError):
    """A name that a run doesn't have, with the nearest one that it has.

    `declared` has the name that several settings of a sweep share, by the name of each.
    """

    def __init__(
        self, what: str, name: str, names: Sequence[str], declared: Mapping[str, str] | None = None
    ) -> None:
        shared = declared or {}
        settings = [each for each in names if shared.get(each) == name]
        near = None if settings else nearest(name, names) or nearest(name, shared.values())
        rule = f"there is no {name!r}"
        if settings:
            rule = f"{name} has {len(settings)} settings: {_list(settings)}"
        elif near is None:
            rule += f"; there are: {_list(names)}"
        super().__init__([Problem(what, rule, near)])

    __str__ = Exception.__str__  # a KeyError shows its text in quotes


def _list(names: Sequence[str]) -> str:
    """The first of some names, and how many more there are."""
    more = f" and {len(names) - _SHOWN_NAMES} more" if len(names) > _SHOWN_NAMES else ""
    return f"{', '.join(names[:_SHOWN_NAMES])}{more}" if names else "none"
