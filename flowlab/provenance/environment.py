"""What a run rests on besides its experiment."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping

from attrs import frozen

from flowlab.engine.cache.content_digests import ContentDigests, SourceDigest
from flowlab.engine.inputs import files_read
from flowlab.engine.threads import thread_count
from flowlab.engine.versions import installed_versions
from flowlab.graph.graph import Graph
from flowlab.graph.node import Node
from flowlab.spec.file_paths import path_as_written
from flowlab.spec.overrides import TRACKER

_LIBRARIES = ("flowlab", "torch", "numpy", "scipy", "matplotlib", "attrs", "cattrs", "daqp")


@frozen
class Environment:
    """Machine, versions, a digest of the source code used of each package, and of each file that is read.

    Without trackers, on which no result rests. The source code is what can decide results, as in the keys of the
    store. Taken before the work: what is edited meanwhile doesn't run.
    """

    platform: str
    python: str
    processor: str  # the GPU, or the instructions of the CPU that are used: they decide last bits
    device: str
    threads: int
    versions: Mapping[str, str]
    sources: Mapping[str, str]
    reads: Mapping[str, str]

    @classmethod
    def now(cls, graph: Graph, device: str, digests: ContentDigests | None = None) -> Environment:
        """Of a graph that runs here and now on the device of this name, with the digests of its run, if any."""
        digests = digests or ContentDigests()
        nodes = [node for node in graph.nodes if node.kind.name != TRACKER]
        used = {node.entry.distribution: node.entry.version for node in nodes}
        files = {path for node in nodes for path in files_read(node.component)}
        contents = {path_as_written(path, graph.folder): digests.file(path) for path in sorted(files)}
        return cls(
            platform=platform.platform(),
            python=platform.python_version(),
            processor=_processor(device),
            device=device,
            threads=thread_count(graph),
            versions=dict(sorted((installed_versions(_LIBRARIES) | used).items())),
            sources=_package_sources(nodes, digests),
            reads={name: digest for name, digest in contents.items() if digest},
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


def _package_sources(nodes: Iterable[Node], digests: ContentDigests) -> dict[str, str]:
    """A digest for each package, of those modules of it that can decide what some of the nodes compute."""
    modules: dict[str, dict[str, str]] = {"flowlab": {}}
    for entry in {(node.entry.target, node.entry.distribution): node.entry for node in nodes}.values():
        modules.setdefault(entry.package, {})
        for path, digest in digests.sources(entry).modules.items():
            modules.setdefault(path.partition("/")[0].removesuffix(".py"), {})[path] = digest
    return {package: SourceDigest.of(modules[package]).digest for package in sorted(modules)}


def _processor(device: str) -> str:
    import torch

    return torch.cuda.get_device_name() if device == "cuda" else torch.backends.cpu.get_cpu_capability()
