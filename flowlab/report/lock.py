"""lock.toml: all that is needed to run the same again."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from flowlab.engine.outcome import Outcome
from flowlab.engine.versions import installed
from flowlab.graph.graph import Graph
from flowlab.report.plain import plain, without_none

_LIBRARIES = ("flowlab", "torch", "numpy", "scipy", "matplotlib", "attrs", "cattrs", "daqp")


def lock(graph: Graph, outcome: Outcome, device: str, files: Iterable[str]) -> dict[str, Any]:
    """The resolved experiment, what ran it, the results it took from former runs, and the files it wrote."""
    import torch

    run = {
        "date": datetime.now(UTC).replace(microsecond=0),
        "seed": graph.seed,
        "dtype": graph.dtype,
        "device": device,
        "threads": torch.get_num_threads(),
        "platform": platform.platform(),
        "python": platform.python_version(),
        "reused": [record.node.id for record in outcome.records if record.reused],
        "files": list(files),
    }
    experiment = without_none(plain(graph.resolved))
    return {"run": run, "versions": versions(graph), "experiment": experiment}


def versions(graph: Graph) -> Mapping[str, str]:
    """The versions of the libraries and of every distribution whose components are used."""
    used = {node.entry.distribution: node.entry.version for node in graph.nodes}
    return dict(sorted((installed(_LIBRARIES) | used).items()))
