"""What differs between the ingredients of two keys, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from flowlab.engine.value_diff import list_changes, side_by_side

Ingredients = Mapping[str, Any]
_RUN = ("seed", "dtype", "device", "threads")


def describe_key_changes(former: Ingredients, current: Ingredients) -> list[str]:
    """One line each: what a run sets, the settings of the node and its ancestors, versions, source files."""
    if former["schema"] != current["schema"]:
        return [f"the store's own version: {former['schema']} -> {current['schema']}"]
    return list(dict.fromkeys(_changes(former, current)))  # an ancestor may be met twice


def _changes(former: Ingredients, current: Ingredients) -> Iterator[str]:
    yield from map(str, list_changes({key: former[key] for key in _RUN}, {key: current[key] for key in _RUN}))
    yield from _nodes(former["node"], current["node"])
    yield from map(str, list_changes(former["versions"], current["versions"], "version of "))
    for package, modules in side_by_side(former["sources"], current["sources"]):
        for module, (old, new) in side_by_side(*(each or {} for each in modules)):
            if old != new:
                how = "changed" if old and new else "is new" if new else "is gone"
                yield f"source file {package}/{module}: {how}"


def _nodes(former: Ingredients, current: Ingredients) -> Iterator[str]:
    node = f"{current['kind']}.{current['name']}"
    if former["name"] != current["name"]:
        return  # another node: the reference to it has changed, and that is said
    origin, version, name, _ = former["component"]
    now = current["component"]
    yield from map(str, list_changes({"use": f"{origin}:{name}"}, {"use": f"{now[0]}:{now[2]}"}, f"{node}."))
    if origin == now[0]:
        yield from map(str, list_changes({origin: version}, {origin: now[1]}, "version of "))
    yield from map(str, list_changes(former["parameters"], current["parameters"], f"{node}."))
    for file, (old, new) in side_by_side(former["files"], current["files"]):
        if old and new and old != new:
            yield f"{node}: the content of {file}"
    for field, ends in side_by_side(former["inputs"], current["inputs"]):
        for label, (old, new) in side_by_side(*(each or {} for each in ends)):
            if old and new:
                yield from _nodes(old, new)
            else:
                yield f"{node}.{field}: {label} {'is new' if new else 'is gone'}"
