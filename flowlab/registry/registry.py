"""Looking components up by kind and name."""

from __future__ import annotations

import os

from attrs import frozen

from flowlab.api import KINDS
from flowlab.registry.distributions import Distribution, installed_distributions, normalize_name
from flowlab.registry.entry_points import Entry, entries
from flowlab.registry.pyproject_diff import diff_pyproject

DISABLE_VARIABLE = "FLOWLAB_DISABLE_PLUGINS"
"""The environment variable that leaves plugins out: 1 for all of them, or distributions joined by commas."""


@frozen
class Registry:
    """The components that an experiment can name.

    Beside them those of disabled plugins, and the distributions, where any were looked at.
    """

    entries: tuple[Entry, ...]
    disabled: tuple[Entry, ...] = ()
    distributions: tuple[Distribution, ...] = ()

    @classmethod
    def installed(cls) -> Registry:
        """All components of all installed distributions, but for those that the environment disables."""
        distributions = tuple(installed_distributions())
        left_out = {
            distribution.name
            for distribution in distributions
            if _disabled(distribution.name, os.environ.get(DISABLE_VARIABLE, ""))
        }
        every = entries(distributions)
        return cls(
            tuple(entry for entry in every if entry.distribution not in left_out),
            tuple(entry for entry in every if entry.distribution in left_out),
            distributions,
        )

    def matching(self, kind: str, name: str) -> tuple[Entry, ...]:
        """The entries that a name may mean: several where distributions share it, unless the name is
        `distribution:name`."""
        return tuple(entry for entry in self.entries if entry.kind == kind and entry.means(name))

    def find(self, kind: str, name: str) -> Entry | None:
        """The one entry that a name means, or None."""
        matching = self.matching(kind, name)
        return matching[0] if len(matching) == 1 else None

    def names(self, kind: str) -> tuple[str, ...]:
        """The names registered for a kind."""
        return tuple(dict.fromkeys(entry.name for entry in self.entries if entry.kind == kind))

    def use(self, entry: Entry) -> str:
        """What an experiment writes to mean an entry: its name, with its distribution where others share it."""
        return entry.name if self.find(entry.kind, entry.name) else f"{entry.distribution}:{entry.name}"

    def absence(self, kind: str, name: str) -> str:
        """Why a name that somebody offers isn't found: a plugin is disabled, or its metadata is out of date.

        Empty where nobody offers it. Reads the pyproject.toml of every editable distribution.
        """
        for entry in self.disabled:
            if entry.kind == kind and entry.means(name):
                setting = os.environ.get(DISABLE_VARIABLE, "")
                return f"{entry.distribution} has it, but is disabled ({DISABLE_VARIABLE}={setting})"
        owner, _, bare = name.rpartition(":")
        for distribution in self.distributions:
            if distribution.editable and normalize_name(owner) in ("", normalize_name(distribution.name)):
                changed = diff_pyproject(distribution)
                if any((point.group, point.name) == (KINDS[kind].group, bare) for point in changed.added):
                    return f"{changed.file} has it, but was installed without it; `flowlab doctor` tells more"
        return ""


def _disabled(distribution: str, setting: str) -> bool:
    names = {normalize_name(name.strip()) for name in setting.split(",")}
    return normalize_name(distribution) != "flowlab" and ("1" in names or normalize_name(distribution) in names)
