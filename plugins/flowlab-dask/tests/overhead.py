"""What a node costs on Dask besides its work, beside bare Dask's `map` on the same two workers.

    python plugins/flowlab-dask/tests/overhead.py [NODES] [--profile]

Each runs once to warm the workers up, then three times in turn; the quickest counts. Seconds are those of the
engine, the report left out.
"""

from __future__ import annotations

import cProfile
import os
import pstats
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from distributed import Client
from running import WORKERS, Running

from flowlab.engine.progress import Quiet
from flowlab.engine.run import run
from flowlab.engine.store import Store
from flowlab.graph.graph import connected
from flowlab.registry.registry import Registry
from flowlab.spec.document import parse


def experiment(norms: list[float], executor: str) -> str:
    """A triangle in the plane, swept."""
    return (
        '[experiment]\nname = "overhead"\nthreads = 1\n'
        '[dataset.points]\nuse = "orthogonal"\ndimension = 2\npoints = 2\nsamples = 1\n'
        f'[sweep.norm]\n"dataset.points.norm" = {norms}\n{executor}'
    )


def work(norm: float) -> dict[str, Any]:
    """One node's work without flowlab's engine: its metrics."""
    import torch

    from flowlab.api import Context
    from flowlab.components.datasets.orthogonal import Orthogonal

    made = Orthogonal(dimension=2, points=2, samples=1, norm=norm)
    context = Context(seed=0, node="points", dtype=torch.float64, device=torch.device("cpu"))
    return dict(made.build(context).metrics)


def by_flowlab(norms: list[float], executor: str) -> float:
    """Seconds of a run with an empty store."""
    graph = connected(parse("overhead", experiment(norms, executor).encode()), Registry.installed())
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        outcome = run(graph, "cpu", Quiet(), None, Store(Path(folder)))
        seconds = time.perf_counter() - start
    assert all(record.status == "done" for record in outcome.records), outcome.lost
    return seconds


def by_dask(client: Client, norms: list[float]) -> float:
    """Seconds of a map."""
    start = time.perf_counter()
    found = client.gather(client.map(work, norms, pure=False))
    assert len(found) == len(norms)
    return time.perf_counter() - start


def main(count: int, profile: bool) -> None:
    """Print the table."""
    norms = [1 + i / count for i in range(count)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent), "OMP_NUM_THREADS": "1"}
    with tempfile.TemporaryDirectory() as folder:
        cluster = Running(Path(folder), environment)
        cluster.staff()
        there = f'[executor.there]\nuse = "dask"\nscheduler_file = "{cluster.file}"\n'
        here = f'[executor.here]\nuse = "local"\nworkers = {WORKERS}\n'
        try:
            with Client(scheduler_file=str(cluster.file), set_as_default=False) as client:
                client.wait_for_workers(WORKERS)
                rows = {
                    "bare Dask": lambda: by_dask(client, norms),
                    "flowlab on Dask": lambda: by_flowlab(norms, there),
                    "flowlab, local": lambda: by_flowlab(norms, here),
                    "flowlab, one process": lambda: by_flowlab(norms, ""),
                }
                found: dict[str, list[float]] = {name: [] for name in rows}
                for _ in range(4):
                    for name, row in rows.items():
                        found[name].append(row())
                for name, seconds in found.items():
                    quickest = min(seconds[1:])
                    print(f"{name:22}{quickest:7.2f} s {1e3 * quickest / count:7.1f} ms a node")
                if profile:
                    profiler = cProfile.Profile()
                    profiler.runcall(by_flowlab, norms, there)
                    pstats.Stats(profiler).sort_stats("cumulative").print_stats(45)
        finally:
            cluster.close()


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[1:] if word.isdigit()]
    main(numbers[0] if numbers else 300, "--profile" in sys.argv)
