"""The key of a node: what decides its result, to the bit, as one digest."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import attrs
from attrs import define, field

from flowlab.api import references
from flowlab.engine.inputs import sources
from flowlab.engine.sources import digest
from flowlab.graph.node import Node

SCHEMA = 1  # of the keys


@define
class Keys:
    """The keys of a run's nodes: sha256 of canonical JSON.

    Hashed are the node's component (name, distribution, version), parameters and the content of the files it
    reads, the same of all its ancestors, the sources of the packages they come from, and what a run sets for all
    nodes: seed, dtype, device type, torch's version and threads.
    """

    seed: int
    dtype: str
    device: str
    _digests: dict[str, str] = field(factory=dict, init=False)

    def of(self, node: Node) -> str:
        """A node's key."""
        import torch

        content = {
            "schema": SCHEMA,
            "seed": self.seed,
            "dtype": self.dtype,
            "device": self.device,
            "torch": torch.__version__,
            "threads": torch.get_num_threads(),
            "sources": {package: self._digest(package) for package in _packages(node)},
            "node": _described(node),
        }
        # a component's own validators may have made anything of a parameter
        text = json.dumps(content, sort_keys=True, separators=(",", ":"), default=repr)
        return hashlib.sha256(text.encode()).hexdigest()

    def _digest(self, package: str) -> str:
        """The digest of a package, taken once a run: what is edited while it runs doesn't run."""
        if package not in self._digests:
            self._digests[package] = digest(package)
        return self._digests[package]


def _described(node: Node) -> dict[str, Any]:
    """A node and its ancestors as plain data. Names count: they seed the draws."""
    component = node.component
    return {
        "kind": node.kind.name,
        "name": node.name,
        "component": [node.entry.distribution, node.entry.version, node.entry.name, node.entry.target],
        "parameters": {
            one.name: getattr(component, one.name) for one in attrs.fields(type(component)) if one.init
        },
        "files": {name: _content(Path(name)) for name in getattr(component, "reads", tuple)()},
        "inputs": {
            name: {
                source.label if reference.many else "": _described(source) for source in node.inputs.get(name, ())
            }
            for name, reference in references(type(component)).items()
        },
    }


def _content(file: Path) -> str | None:
    """The digest of a file's content, None where it can't be read."""
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError:
        return None


def _packages(node: Node) -> set[str]:
    """flowlab, and the packages of a node's component and of its ancestors'."""
    own = node.entry.target.partition(":")[0].partition(".")[0].strip()
    return {"flowlab", own}.union(*map(_packages, sources(node)))
