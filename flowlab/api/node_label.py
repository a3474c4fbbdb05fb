"""The label of a node: its name, and the swept values that it depends on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from attrs import evolve, field, frozen

SEED = "experiment.seed"  # the one swept path that names no node's key


def _identity(settings: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """What makes settings equal: by their text, since 1 == 1.0 == True, and a list has no hash."""
    return tuple((path, repr(value)) for path, value in settings.items())


@frozen(order=False)
class NodeLabel:
    """The name of a node, and its swept values by path, such as `{"dataset.box.points": 5}`.

    As text it is `name[points=5]`. A component that gathers a sweep gets its inputs by such labels.
    """

    name: str
    settings: Mapping[str, Any] = field(factory=dict, eq=_identity)

    def __str__(self) -> str:
        return f"{self.name}[{self.setting}]" if self.settings else self.name

    @property
    def setting(self) -> str:
        """The swept values as text, `points=5,width=50`; empty for a node that no sweep repeats."""
        keys = short_keys(self.settings)
        return ",".join(f"{keys[path]}={value}" for path, value in self.settings.items())

    @property
    def seed(self) -> int | None:
        """The seed; None where no sweep goes over seeds."""
        return self.settings.get(SEED)

    def without(self, *paths: str) -> NodeLabel:
        """The label without some of its swept values."""
        return evolve(self, settings={key: value for key, value in self.settings.items() if key not in paths})


def short_keys(paths: Iterable[str]) -> dict[str, str]:
    """The last part of each path; the whole path where two paths end alike, or where it would read as the seed."""
    paths = list(paths)
    keys = [path.rpartition(".")[2] for path in paths]
    return {
        path: key if path == SEED or (keys.count(key) == 1 and key != "seed") else path
        for path, key in zip(paths, keys, strict=True)
    }
