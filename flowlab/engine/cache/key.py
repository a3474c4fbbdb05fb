"""The key of a node: one digest of all that decides its result to the bit."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from functools import cache
from pathlib import PurePath
from typing import Any

import attrs
from attrs import define, field

from flowlab.api.fields import path_fields
from flowlab.engine.cache.content_digests import ContentDigests
from flowlab.engine.cache.tensor_file import SCHEMA
from flowlab.engine.inputs import files_read, named_inputs, single_references
from flowlab.engine.numerics import NUMERICS
from flowlab.engine.versions import installed_versions
from flowlab.graph.node import Node
from flowlab.registry.entry_points import Entry

_NUMERICAL_LIBRARIES = ("daqp", "numpy", "scipy")  # their versions may decide a last bit, besides torch's
_SCALARS = frozenset({bool, int, float, str, type(None)})


@define
class CacheKeys:
    """The keys of a run's nodes: sha256 of canonical JSON of their ingredients.

    The ingredients of a node are its component (name, distribution, version), the digest of the sources that can
    decide its bits, its parameters, the content of the files that it reads, the keys of its inputs, its name
    (which seeds its draws, unless its own table pins their seed: then that it is pinned), and what the run sets:
    seed, dtype, device type, threads, numeric switches, versions of torch and the numerical libraries. A tool,
    which computes nothing itself, has no name and nothing of the run among them: they count in the nodes that use
    it.

    Where a file is does not count: a parameter that names a file which the component reads stands for its content
    and its suffix. The name in a reference to one node does not count, as a component that is built does not see
    it. The names in a reference to several nodes count, as the component receives them with the values.
    """

    seed: int
    dtype: str
    device: str
    threads: int
    digests: ContentDigests = field(factory=ContentDigests)
    _keys: dict[Node, str] = field(factory=dict, init=False)
    _sources: dict[str, str] = field(factory=dict, init=False)  # by `module:Class`
    _run: dict[str, Any] = field(init=False)

    def __attrs_post_init__(self) -> None:
        import torch

        versions = {
            "torch": ".".join(torch.__version__.split(".")[:2]),
            **installed_versions(_NUMERICAL_LIBRARIES),
        }
        run = {"dtype": self.dtype, "device": self.device, "threads": self.threads}
        self._run = {**run, "numerics": dict(NUMERICS), "versions": versions}

    def of(self, node: Node) -> str:
        """A node's key. Raises TypeError where a parameter is no plain data."""
        key = self._keys.get(node)
        if key is None:
            key = self._keys[node] = hashlib.sha256(self.ingredients(node).encode()).hexdigest()
        return key

    def ingredients(self, node: Node) -> str:
        """The canonical JSON that a node's key is the digest of. Raises TypeError as `of` does."""
        entry, component = node.entry, node.component
        hidden = single_references(component.__class__) if node.kind.built else {}
        names = _init_names(component.__class__)
        parameters = {name: getattr(component, name) for name in names if name not in hidden}
        paths = files_read(component) if _reads_files(component.__class__) else ()
        content: dict[str, Any] = {
            "schema": SCHEMA,
            "kind": node.kind.name,
            "component": [entry.distribution, entry.version, entry.name, entry.target],
            "sources": self._sources.get(entry.target) or self._source_digest(entry),
            "parameters": plain_parameters(parameters, paths),
            "files": [[PurePath(path).suffix, self.digests.file(path)] for path in paths],
            "inputs": {
                name: {str(label): self.of(source) for label, source in sources.items()}
                for name, sources in named_inputs(node).items()
            },
        }
        if node.kind.built:
            if node.pinned_seed is None:
                content["name"] = node.name
            else:
                content["pinned"] = True
            content["run"] = {**self._run, "seed": self.seed if node.seed is None else node.seed}
        return json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)

    def _source_digest(self, entry: Entry) -> str:
        self._sources[entry.target] = self.digests.sources(entry).digest
        return self._sources[entry.target]


def plain_parameters(parameters: Mapping[str, Any], paths: Iterable[str]) -> dict[str, Any]:
    """Parameters as plain data, with `{"file": 0}` for the path of the first of the files read.

    A path that several parameters hold stays as it is: which of them names the file can't be told.
    """
    if not paths and {type(value) for value in parameters.values()} <= _SCALARS:
        return dict(parameters)
    held = Counter(_texts(parameters))
    files = {path: number for number, path in enumerate(paths) if held[path] == 1}
    return {name: _plain(value, files) for name, value in parameters.items()}


def _texts(value: Any) -> Iterator[str]:
    """All texts in a value."""
    if isinstance(value, str | PurePath):
        yield str(value)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)


def _plain(value: Any, files: Mapping[str, int]) -> Any:
    """A value as plain data. Raises TypeError for what has no such form: its repr may say less than it holds."""
    if isinstance(value, str | PurePath) and str(value) in files:
        return {"file": files[str(value)]}
    if type(value) in _SCALARS:
        return value
    if isinstance(value, list | tuple):
        return [_plain(item, files) for item in value]
    if isinstance(value, Mapping) and all(type(key) is str for key in value):
        return {"mapping": {key: _plain(item, files) for key, item in value.items()}}
    if isinstance(value, set | frozenset):
        return {"set": sorted(json.dumps(_plain(item, files), sort_keys=True) for item in value)}
    if isinstance(value, Enum):
        return {"enum": value.name}
    if isinstance(value, PurePath):
        return {"path": str(value)}
    if attrs.has(type(value)):
        fields = {one.name: _plain(getattr(value, one.name), files) for one in attrs.fields(type(value))}
        return {"type": type(value).__qualname__, "fields": fields}
    raise TypeError(f"a parameter of type {type(value).__name__} is no plain data")


@cache
def _reads_files(component: type) -> bool:
    """Whether components of a class may read files."""
    return bool(path_fields(component)) or hasattr(component, "reads")


@cache
def _init_names(component: type) -> tuple[str, ...]:
    """The names of a component's parameters, references included."""
    return tuple(one.name for one in attrs.fields(component) if one.init)
