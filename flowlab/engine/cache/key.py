"""The key of a node: what decides its result, to the bit, as one digest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import attrs
from attrs import define, field

from flowlab.api import references
from flowlab.engine.cache.source_digest import digest_modules
from flowlab.engine.inputs import upstream_nodes
from flowlab.engine.versions import installed_versions
from flowlab.graph.node import Node

SCHEMA = 4  # of the keys
_NUMERICAL = ("daqp", "numpy", "scipy")  # whose versions may decide a last bit, besides torch's


@define
class CacheKeys:
    """The keys of a run's nodes: sha256 of canonical JSON.

    Hashed are the node's component (name, distribution, version), parameters and the content of the files it
    reads, the same of all its ancestors, the sources of the packages they come from, its seed, and what a run sets
    for all nodes: dtype, device type, threads, and the versions of the numerical libraries.
    """

    seed: int
    dtype: str
    device: str
    threads: int
    modules: dict[str, dict[str, str]] = field(factory=dict, init=False)  # by digest of a package's sources
    _digests: dict[str, str] = field(factory=dict, init=False)
    _made: dict[Node, str] = field(factory=dict, init=False)
    _last: tuple[Node, str] | None = field(default=None, init=False)  # ingredients: who keeps a result asks again
    # read once a run: a distribution's metadata is a search of the path
    _versions: dict[str, str] = field(factory=lambda: installed_versions(_NUMERICAL), init=False)

    def of(self, node: Node) -> str:
        """A node's key."""
        if node not in self._made:
            self._last = node, self._ingredients(node)
            self._made[node] = hash_text(self._last[1])
        return self._made[node]

    def ingredients(self, node: Node) -> str:
        """What a node's key is the digest of."""
        if self._last is not None and self._last[0] is node:
            return self._last[1]
        return self._ingredients(node)

    def _ingredients(self, node: Node) -> str:
        import torch

        content = {
            "schema": SCHEMA,
            "seed": self.seed if node.seed is None else node.seed,
            "dtype": self.dtype,
            "device": self.device,
            "versions": {"torch": torch.__version__, **self._versions},
            "threads": self.threads,
            "sources": {package: self._digest(package) for package in source_packages(node)},
            "node": _describe_node(node, node.seed),
        }
        # a component's own validators may have made anything of a parameter
        return json.dumps(content, sort_keys=True, separators=(",", ":"), default=repr)

    def _digest(self, package: str) -> str:
        """The digest of a package's sources, taken once a run: what is edited while it runs doesn't run."""
        if package not in self._digests:
            found = digest_modules(package)
            self._digests[package] = combine_digests(found)
            self.modules[self._digests[package]] = found
        return self._digests[package]


def hash_text(ingredients: str) -> str:
    """The key that is made of these ingredients."""
    return hashlib.sha256(ingredients.encode()).hexdigest()


def expand_ingredients(ingredients: str, modules: Callable[[str], Mapping[str, str]]) -> dict[str, Any]:
    """Ingredients with each package's sources module by module, as `modules` knows them by their digest."""
    content: dict[str, Any] = json.loads(ingredients)
    return {**content, "sources": {name: modules(sources) for name, sources in content["sources"].items()}}


def combine_digests(modules: Mapping[str, str]) -> str:
    """One digest of a package's modules."""
    return hash_text(json.dumps(modules, sort_keys=True))


def _describe_node(node: Node, seed: int | None) -> dict[str, Any]:
    """A node and its ancestors as plain data, with seeds other than that one. Names count: they seed the draws."""
    component = node.component
    return {
        **({} if node.seed in (None, seed) else {"seed": node.seed}),
        "kind": node.kind.name,
        "name": node.name,
        "component": [node.entry.distribution, node.entry.version, node.entry.name, node.entry.target],
        "parameters": {
            one.name: getattr(component, one.name) for one in attrs.fields(type(component)) if one.init
        },
        "files": {name: _hash_file(Path(name)) for name in getattr(component, "reads", tuple)()},
        "inputs": {
            name: {
                source.given_to(node, reference.gather) if reference.many else "": _describe_node(source, seed)
                for source in node.inputs.get(name, ())
            }
            for name, reference in references(type(component)).items()
        },
    }


def _hash_file(file: Path) -> str | None:
    """The digest of a file's content, None where it can't be read."""
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError:
        return None


def source_packages(node: Node) -> set[str]:
    """flowlab, and the packages of a node's component and of its ancestors'."""
    return {"flowlab", node.entry.package}.union(*map(source_packages, upstream_nodes(node)))
