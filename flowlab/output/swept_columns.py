"""Swept values as columns of a table, and nodes that differ in their seed alone as one group."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from flowlab.api.node_label import SEED, short_keys
from flowlab.output.jsonable import to_json, to_jsonable

T = TypeVar("T")
Setting = Mapping[str, Any]


def without_seed(variant: Setting) -> dict[str, Any]:
    """The swept values of a node, by path, without its seed."""
    return {path: value for path, value in variant.items() if path != SEED}


def union_paths(settings: Iterable[Setting]) -> list[str]:
    """The paths of all settings, each once, in the order in which they come."""
    return list(dict.fromkeys(path for setting in settings for path in setting))


def column_names(paths: Sequence[str]) -> list[str]:
    """The column of each path: its last part, `width` for `denoiser.trained.width`, or the whole path.

    The whole path stands where two end alike. `seed` is the experiment's seed, and no other.
    """
    return list(short_keys(paths).values())


def setting_cells(setting: Setting, paths: Sequence[str]) -> list[str]:
    """The swept values as text, a cell a path; a dash for a path that the node does not depend on."""
    return [format_swept(setting[path]) if path in setting else "-" for path in paths]


def format_swept(value: Any) -> str:
    """A swept value as text: numbers and names as they are, lists as JSON."""
    return str(value) if isinstance(value, bool | int | float | str) else to_json(to_jsonable(value))


def setting_text(setting: Setting) -> str:
    """A setting in words, `width 20, optimizer al`; empty for a node that no sweep repeats."""
    return ", ".join(f"{name} {format_swept(setting[path])}" for path, name in short_keys(setting).items())


def setting_key(setting: Setting) -> Hashable:
    """A key that equal settings share; 1, 1.0 and true are different."""
    return tuple((path, repr(value)) for path, value in setting.items())


def group_seeds(nodes: Iterable[tuple[str, Setting, T]]) -> list[tuple[str, dict[str, Any], list[T]]]:
    """Nodes (name, variant, node) by name and setting, their seeds together, in the order in which they come."""
    groups: dict[Hashable, tuple[str, dict[str, Any], list[T]]] = {}
    for name, variant, node in nodes:
        setting = without_seed(variant)
        groups.setdefault((name, setting_key(setting)), (name, setting, []))[2].append(node)
    return list(groups.values())
