"""The one adapter to installed entry points: importlib.metadata lists them, entrypoints loads one."""

from __future__ import annotations

import re
from importlib import metadata
from typing import Any

import attrs
import entrypoints
from attrs import frozen

from flowlab.api import KINDS, PluginError


@frozen
class Entry:
    """One registered component: its kind, name, `module:Class`, distribution and version."""

    kind: str
    name: str
    target: str
    distribution: str
    version: str

    def load(self) -> type[Any]:
        """The component class. Raises PluginError, naming the distribution, whatever goes wrong."""
        try:
            point = entrypoints.EntryPoint.from_string(self.target, self.name)
            component: type[Any] = point.load()
        except (Exception, SystemExit) as error:  # a plugin may raise anything on import
            raise PluginError(
                f"the {self.kind} {self.name!r} of {self.distribution} {self.version} ({self.target}) can't be "
                f"loaded: {type(error).__name__}: {error}"
            ) from error
        if not isinstance(component, type) or not attrs.has(component):
            raise PluginError(
                f"the {self.kind} {self.name!r} of {self.distribution} ({self.target}) is no attrs class"
            )
        return component


def installed() -> tuple[Entry, ...]:
    """All components of all installed distributions, by kind and name."""
    groups = {kind.group: kind.name for kind in KINDS.values()}
    found: dict[tuple[str, str, str], Entry] = {}
    seen: set[str] = set()
    for distribution in metadata.distributions():
        name = distribution.metadata["Name"]
        # an editable install can be listed twice, and a broken one has no name
        normal = re.sub(r"[-_.]+", "-", name or "").lower()
        if not name or normal in seen:
            continue
        seen.add(normal)
        for point in distribution.entry_points:
            if point.group in groups:
                entry = Entry(groups[point.group], point.name, point.value, name, distribution.version)
                found[entry.kind, entry.name, normal] = entry
    order = list(KINDS)
    return tuple(sorted(found.values(), key=lambda e: (order.index(e.kind), e.name, e.distribution)))
