"""The registry of flowlab's own components, whatever plugins are installed beside it."""

from attrs import evolve

from flowlab.registry.registry import Registry

_INSTALLED = Registry.installed()

BUILT_IN = evolve(
    _INSTALLED, entries=tuple(entry for entry in _INSTALLED.entries if entry.distribution == "flowlab")
)
