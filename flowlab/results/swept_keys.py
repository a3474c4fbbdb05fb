"""The swept keys of a run as columns, by the same names in all of its tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from flowlab.api.node_label import SEED
from flowlab.results.result_table import SEED_COLUMN

Columns = Mapping[str, Sequence[Any]]


def swept_paths(variants: Iterable[Mapping[str, object]]) -> list[str]:
    """The swept paths of several nodes, each once."""
    return list(dict.fromkeys(path for variant in variants for path in variant))


def name_swept_keys(paths: Sequence[str]) -> dict[str, str]:
    """The column of each swept path: its last part, or the whole path where several end alike.

    `seed` is the experiment's seed, and no other.
    """
    ends = [path.rpartition(".")[2] for path in paths]
    names = {
        path: end if ends.count(end) == 1 and end != SEED_COLUMN else path
        for path, end in zip(paths, ends, strict=True)
    }
    return names | ({SEED: SEED_COLUMN} if SEED in names else {})


def join_columns(keys: Columns, own: Columns, owner: str) -> dict[str, Sequence[Any]]:
    """A table's columns behind those of the swept keys.

    One that has a key's name is left out where it says the same, and gets its owner's name in front elsewhere.
    """
    others = {
        f"{owner}.{name}" if name in keys else name: cells
        for name, cells in own.items()
        if name not in keys or list(keys[name]) != list(cells)
    }
    return {**keys, **others}
