"""Looking components up by kind and name."""

from __future__ import annotations

from attrs import frozen

from flowlab.registry.entry_points import Entry, installed


@frozen
class Registry:
    """The components that an experiment can name."""

    entries: tuple[Entry, ...]

    @classmethod
    def installed(cls) -> Registry:
        """All components of all installed distributions."""
        return cls(installed())

    def matching(self, kind: str, name: str) -> tuple[Entry, ...]:
        """The entries that a name may mean: several where distributions share it, unless the name is
        `distribution:name`."""
        distribution, _, bare = name.rpartition(":")
        return tuple(
            entry
            for entry in self.entries
            if entry.kind == kind and entry.name == bare and distribution in ("", entry.distribution)
        )

    def find(self, kind: str, name: str) -> Entry | None:
        """The one entry that a name means, or None."""
        entries = self.matching(kind, name)
        return entries[0] if len(entries) == 1 else None

    def names(self, kind: str) -> tuple[str, ...]:
        """The names registered for a kind."""
        return tuple(dict.fromkeys(entry.name for entry in self.entries if entry.kind == kind))
