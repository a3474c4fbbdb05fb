"""What a run rests on besides its experiment."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from attrs import frozen

from flowlab.engine.cache.key import combine_digests
from flowlab.engine.cache.source_digest import digest_modules
from flowlab.engine.threads import thread_count
from flowlab.engine.versions import installed_versions
from flowlab.graph.graph import Graph
from flowlab.spec.overrides import TRACKER

_LIBRARIES = ("flowlab", "torch", "numpy", "scipy", "matplotlib", "attrs", "cattrs", "daqp")


@frozen
class Environment:
    """Machine, versions, one digest of the source code of each package used, and of each file that is read.

    Trackers aside, on which no result rests. Taken before the work: what is edited while it runs doesn't run.
    """

    platform: str
    python: str
    processor: str  # the GPU, or what instructions of the CPU are used: it decides last bits
    device: str
    threads: int
    versions: Mapping[str, str]
    sources: Mapping[str, str]
    reads: Mapping[str, str]

    @classmethod
    def now(cls, graph: Graph, device: str) -> Environment:
        """Of a graph that is run here and now, on the device of this name."""
        nodes = [node for node in graph.nodes if node.kind.name != TRACKER]
        used = {node.entry.distribution: node.entry.version for node in nodes}
        packages = {"flowlab", *(node.entry.package for node in nodes)}
        files = {name for node in nodes for name in getattr(node.component, "reads", tuple)()}
        return cls(
            platform=platform.platform(),
            python=platform.python_version(),
            processor=_processor(device),
            device=device,
            threads=thread_count(graph),
            versions=dict(sorted((installed_versions(_LIBRARIES) | used).items())),
            sources={package: combine_digests(digest_modules(package)) for package in sorted(packages)},
            reads=_contents(files),
        )

    @property
    def facts(self) -> dict[str, str | int]:
        """All of it by name, in words."""
        return {
            "platform": self.platform,
            "python": self.python,
            "processor": self.processor,
            "device": self.device,
            "threads": self.threads,
            **{f"version of {name}": version for name, version in self.versions.items()},
            **{f"source code of {package}": digest[:12] for package, digest in self.sources.items()},
            **{f"content of {name}": digest[:12] for name, digest in self.reads.items()},
        }


def _processor(device: str) -> str:
    import torch

    return torch.cuda.get_device_name() if device == "cuda" else torch.backends.cpu.get_cpu_capability()


def _contents(files: set[str]) -> dict[str, str]:
    """The digests of the files that can be read."""
    found = {}
    for name in sorted(files):
        with suppress(OSError, ValueError):
            found[name] = hashlib.sha256(Path(name).read_bytes()).hexdigest()
    return found
