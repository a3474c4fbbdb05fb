"""What several sets of named values do not share."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from attrs import frozen


@frozen
class Change:
    """One name with its former value and its current one; None where there is none."""

    name: str
    former: Any
    current: Any

    def __str__(self) -> str:
        return f"{self.name}: {format_value(self.former)} -> {format_value(self.current)}"


def list_changes(former: Mapping[str, Any], current: Mapping[str, Any], prefix: str = "") -> Iterator[Change]:
    """The names whose values differ, each behind a prefix."""
    for name, (old, new) in list_differences(former, current):
        yield Change(f"{prefix}{name}", old, new)


def list_differences(*sides: Mapping[str, Any]) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """The names whose values are not the same on all sides, with the value of each."""
    for name, values in side_by_side(*sides):
        if are_different(values):
            yield name, values


def are_different(values: Iterable[Any]) -> bool:
    """Whether not all are the same; 1, 1.0 and true are not."""
    return len(set(map(format_value, values))) > 1


def side_by_side(*sides: Mapping[str, Any]) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """The values of all names, None where a side lacks one."""
    for name in dict.fromkeys(itertools.chain(*sides)):
        yield name, tuple(side.get(name) for side in sides)


def format_value(value: Any) -> str:
    """A value as text, as different as its type."""
    return json.dumps(value, ensure_ascii=False, default=str)
