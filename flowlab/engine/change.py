"""What two sets of named values do not share."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from attrs import frozen


@frozen
class Change:
    """One name with its former value and its current one; None where there is none."""

    name: str
    former: Any
    current: Any

    def __str__(self) -> str:
        return f"{self.name}: {shown(self.former)} -> {shown(self.current)}"


def changed(former: Mapping[str, Any], current: Mapping[str, Any], prefix: str = "") -> Iterator[Change]:
    """The names whose values differ, each behind a prefix."""
    for name, (old, new) in pairs(former, current):
        if shown(old) != shown(new):  # 1, 1.0 and true are not the same
            yield Change(f"{prefix}{name}", old, new)


def pairs(former: Mapping[str, Any], current: Mapping[str, Any]) -> Iterator[tuple[str, tuple[Any, Any]]]:
    """The values of all names, None where a side lacks one."""
    for name in dict.fromkeys([*former, *current]):
        yield name, (former.get(name), current.get(name))


def shown(value: Any) -> str:
    """A value as text, as different as its type."""
    return json.dumps(value, ensure_ascii=False, default=str)
