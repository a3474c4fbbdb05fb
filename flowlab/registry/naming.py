"""From a component's class back to the name it is registered by."""

from __future__ import annotations

from flowlab.registry.entry_points import Entry
from flowlab.registry.registry import Registry


def entries_of_class(registry: Registry, component: type) -> tuple[Entry, ...]:
    """The entries of a class. Raises PluginError where one that may be it can't be loaded."""
    target = f"{component.__module__}:{component.__qualname__}"
    exact = tuple(entry for entry in registry.entries if entry.target == target)
    if exact:
        return exact
    # it may be registered from where its package shows it
    package = component.__module__.partition(".")[0]
    near = (entry for entry in registry.entries if entry.package == package)
    return tuple(entry for entry in near if entry.load() is component)
