"""The settings that several experiments do not share."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

from flowlab.engine.value_diff import are_different, list_differences, side_by_side


def diff_settings(*experiments: Mapping[str, Any]) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """By `kind.name.key`, with the value of each, None where there is none.

    A node that some lack is named with its component; its keys are compared among those that have it.
    """
    for kind, tables in side_by_side(*experiments):
        for name, nodes in side_by_side(*map(_table, tables)):
            node = f"{kind}.{name}"
            present = [isinstance(table, dict) for table in nodes]
            if not all(present):
                yield from list_differences(*({node: _use(table)} for table in nodes))
            for key, values in side_by_side(*map(_table, nodes)):
                if are_different(itertools.compress(values, present)):
                    yield f"{node}.{key}", values


def _table(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _use(table: Any) -> Any:
    """What stands for a table; of the settings of all, such as the seed, themselves."""
    return table.get("use", "a sweep") if isinstance(table, dict) else table
