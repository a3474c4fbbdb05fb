"""The classes that a stored result may name: a closed set, so that reading a file runs nobody else's code."""

from __future__ import annotations

import importlib
import re
from functools import cached_property

from attrs import frozen

from flowlab.api.storable import stored_fields
from flowlab.engine.cache.tensor_file import UnusableFile
from flowlab.engine.inputs import ancestors
from flowlab.graph.node import Node

_SHARED = ("flowlab.api", "flowlab.theory")  # whose classes every result may hold
_MODULE = re.compile(r"(?!__main__(\.|$))[^\W\d]\w*(\.(?!__main__(\.|$))[^\W\d]\w*)*")


class UnknownClass(UnusableFile):
    """A file that names a class which its reader can't build; its text says why."""


@frozen
class StorableClasses:
    """Classes by their names in a file, `module:Class`.

    Modules are those of flowlab's api and theory, and of the packages of the node's component and its ancestors'.
    A run of the node imports these in any case. A store is shared between people: no other module is imported
    because a file names it.
    """

    node: Node

    @cached_property
    def packages(self) -> tuple[str, ...]:
        """The packages whose modules may be named, each with a dot at its end."""
        own = {node.entry.package for node in (self.node, *ancestors(self.node))}
        names = ["flowlab.components" if name == "flowlab" else name for name in own]
        return tuple([f"{name}." for name in (*_SHARED, *names)])

    def name(self, cls: type) -> str | None:
        """The name of a class; None where it can't be stored."""
        if stored_fields(cls) is None or not self._admits(cls.__module__):
            return None
        return f"{cls.__module__}:{cls.__qualname__}"

    def find(self, name: str) -> type:
        """The class of a name. Raises UnknownClass, and then without an import unless the module is admitted."""
        module, _, attribute = name.partition(":")
        if not self._admits(module):
            raise UnknownClass(f"{name} is in none of the packages of {self.node.id}")
        try:
            cls = getattr(importlib.import_module(module), attribute, None)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # a module may raise anything on import, SystemExit included
            raise UnknownClass(f"{module} can't be imported: {type(error).__name__}: {error}") from error
        if not isinstance(cls, type) or self.name(cls) != name:
            raise UnknownClass(f"{name} is no class that can be stored")
        return cls

    def _admits(self, module: str) -> bool:
        return _MODULE.fullmatch(module) is not None and f"{module}.".startswith(self.packages)
