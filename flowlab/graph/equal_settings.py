"""Settings of a sweep that differ in writing alone, such as 1 and 1.0 of a float parameter."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from flowlab.api import Problem
from flowlab.spec.document import Document
from flowlab.spec.sweep import Axis

Components = Mapping[str, Mapping[tuple[int, ...], Any]]


def equal_settings(
    axes: tuple[Axis, ...], touching: Mapping[str, list[int]], components: Components, document: Document
) -> Iterator[Problem]:
    """Refuse two settings of a sweep that give its nodes the same parameters: they would be computed twice."""
    for index, axis in enumerate(axes):
        numbers: dict[str, int] = {}
        for number, setting in enumerate(axis.settings):
            values = [_value(path, index, number, touching, components) for path in axis.paths]
            first = axis.settings[numbers.setdefault(repr(values), number)]
            if first is not setting and None not in values:
                path = next(path for path in axis.paths if repr(first[path]) != repr(setting[path]))
                where = document.where("sweep", axis.name, path, value=True)
                yield Problem(where, f"{first[path]!r} and {setting[path]!r} are one value: it stands here twice")
                break


def _value(
    path: str, axis: int, number: int, touching: Mapping[str, list[int]], components: Components
) -> tuple[Any] | None:
    """What a parameter is in a setting of an axis, the other axes at their first; None for one with problems."""
    node, _, key = path.rpartition(".")
    chosen = tuple(number if other == axis else 0 for other in touching.get(node, ()))
    component = components.get(node, {}).get(chosen)
    return (getattr(component, key),) if hasattr(component, key) else None
