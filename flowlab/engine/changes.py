"""What differs between the ingredients of two keys, in words."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

Ingredients = Mapping[str, Any]
_RUN = ("seed", "dtype", "device", "threads")


def changes(former: Ingredients, current: Ingredients) -> list[str]:
    """One line each: what a run sets, the settings of the node and its ancestors, versions, source files."""
    if former["schema"] != current["schema"]:
        return [f"the store's own version: {former['schema']} -> {current['schema']}"]
    return list(dict.fromkeys(_changes(former, current)))  # an ancestor may be met twice


def _changes(former: Ingredients, current: Ingredients) -> Iterator[str]:
    yield from _values("", {key: former[key] for key in _RUN}, {key: current[key] for key in _RUN})
    yield from _nodes(former["node"], current["node"])
    yield from _values("version of ", former["versions"], current["versions"])
    for package, modules in _pairs(former["sources"], current["sources"]):
        for module, (old, new) in _pairs(*(each or {} for each in modules)):
            if old != new:
                how = "changed" if old and new else "is new" if new else "is gone"
                yield f"source file {package}/{module}: {how}"


def _nodes(former: Ingredients, current: Ingredients) -> Iterator[str]:
    node = f"{current['kind']}.{current['name']}"
    if former["name"] != current["name"]:
        return  # another node: the reference to it has changed, and that is said
    origin, version, name, _ = former["component"]
    now = current["component"]
    yield from _values(f"{node}.", {"use": f"{origin}:{name}"}, {"use": f"{now[0]}:{now[2]}"})
    if origin == now[0]:
        yield from _values("version of ", {origin: version}, {origin: now[1]})
    yield from _values(f"{node}.", former["parameters"], current["parameters"])
    for file, (old, new) in _pairs(former["files"], current["files"]):
        if old and new and old != new:
            yield f"{node}: the content of {file}"
    for field, ends in _pairs(former["inputs"], current["inputs"]):
        for label, (old, new) in _pairs(*(each or {} for each in ends)):
            if old and new:
                yield from _nodes(old, new)
            else:
                yield f"{node}.{field}: {label} {'is new' if new else 'is gone'}"


def _values(prefix: str, former: Mapping[str, Any], current: Mapping[str, Any]) -> Iterator[str]:
    for name, (old, new) in _pairs(former, current):
        if json.dumps(old) != json.dumps(new):  # 1, 1.0 and true are not the same
            yield f"{prefix}{name}: {json.dumps(old)} -> {json.dumps(new)}"


def _pairs(former: Mapping[str, Any], current: Mapping[str, Any]) -> Iterator[tuple[str, tuple[Any, Any]]]:
    for name in dict.fromkeys([*former, *current]):
        yield name, (former.get(name), current.get(name))
