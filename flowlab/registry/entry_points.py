"""The one adapter to entry points: from a distribution's lines to components; entrypoints loads one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import attrs
import entrypoints
from attrs import frozen

from flowlab.api import API_VERSION, KINDS, PluginError
from flowlab.registry.distributions import Distribution, normalize_name


@frozen
class Entry:
    """One registered component: its kind, name, `module:Class`, distribution and version.

    Of the distribution also the API versions that it is written for, its folder, and whether it is editable.
    """

    kind: str
    name: str
    target: str
    distribution: str
    version: str
    api: tuple[str, ...] = ()
    root: str = ""
    editable: bool = False

    @property
    def unusable(self) -> str:
        """Why the component can't be used, as far as that is known without loading it; else empty."""
        if not self.api or str(API_VERSION) in self.api:
            return ""
        return f"written for API {', '.join(self.api)}, but this flowlab has API {API_VERSION}"

    @property
    def package(self) -> str:
        """The top-level package or module that it is in."""
        return self.target.partition(":")[0].partition(".")[0].strip()

    def means(self, name: str) -> bool:
        """Whether this is a component called `name` or `distribution:name`."""
        owner, _, bare = name.rpartition(":")
        return bare == self.name and normalize_name(owner) in ("", normalize_name(self.distribution))

    def load(self) -> type[Any]:
        """The component class. Raises PluginError, naming the distribution, whatever goes wrong."""
        if self.unusable:
            raise PluginError(f"{self} is {self.unusable}")
        try:
            point = entrypoints.EntryPoint.from_string(self.target, self.name)
            component: type[Any] = point.load()
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # a plugin may raise anything on import, SystemExit included
            reason = " ".join(f"{type(error).__name__}: {error}".split()).removesuffix(":")
            raise PluginError(f"{self} ({self.target}) can't be loaded: {reason}") from error
        if not isinstance(component, type) or not attrs.has(component):
            raise PluginError(f"{self} ({self.target}) is no attrs class")
        return component

    def __str__(self) -> str:
        return f"the {self.kind} {self.name!r} of {self.distribution} {self.version}"


def entries(distributions: Iterable[Distribution]) -> tuple[Entry, ...]:
    """The components of distributions, by kind, name and distribution."""
    groups = {kind.group: kind.name for kind in KINDS.values()}
    by_name = {
        (groups[point.group], point.name, distribution.name): Entry(
            groups[point.group],
            point.name,
            point.target,
            distribution.name,
            distribution.version,
            distribution.api,
            distribution.root,
            distribution.editable,
        )
        for distribution in distributions
        for point in distribution.points
        if point.group in groups
    }
    order = list(KINDS)
    return tuple(sorted(by_name.values(), key=lambda e: (order.index(e.kind), e.name, e.distribution)))
