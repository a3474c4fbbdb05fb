"""What a node costs besides its work, in sweeps of up to 10,000 tiny ones, beside joblib and Dask.

    python tests/benchmarks/scale.py [--json FILE] [--quick] [--most N]

Each row is a process of its own; all do the same work, a triangle in the plane, and what the work itself takes is
measured first and taken off: a node's overhead is (processes x wall - work) / nodes, start of processes included.
A peer whose package is missing is skipped and said to be. Set OMP_NUM_THREADS=1 before.

With a store but without an executor a triangle is looked up and not kept, for it is as soon computed again: only
the executor's row, as joblib's with Memory, pays a file a node. What the work takes varies between processes by
more than bare joblib adds to it, so an overhead near or below zero is not resolved.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))  # for `bench`, however this file is started

import bench
import torch

PROCESSES = 2


def norms(count: int) -> list[float]:
    """What is swept."""
    return [1 + i / count for i in range(count)]


def experiment(count: int, executor: bool) -> str:
    """The sweep as flowlab reads it."""
    local = f'[executor.here]\nuse = "local"\nworkers = {PROCESSES}\n' if executor else ""
    return (
        '[experiment]\nname = "scale"\nthreads = 1\n'
        '[dataset.points]\nuse = "orthogonal"\ndimension = 2\npoints = 2\nsamples = 1\n'
        f'[sweep.norm]\n"dataset.points.norm" = {norms(count)}\n{local}'
    )


def work(norm: float) -> dict[str, Any]:
    """One node's work without flowlab's engine: its metrics."""
    from flowlab.api import Context
    from flowlab.components.datasets.orthogonal import Orthogonal

    made = Orthogonal(dimension=2, points=2, samples=1, norm=norm)
    return dict(
        made.build(Context(seed=0, node="points", dtype=torch.float64, device=torch.device("cpu"))).metrics
    )


def timed_work(count: int) -> float:
    """Seconds that one node's work takes."""
    work(1.0)
    start = time.perf_counter()
    for norm in norms(count):
        work(norm)
    return (time.perf_counter() - start) / count


def by_flowlab(count: int, folder: Path, *, store: bool, executor: bool) -> dict[str, float]:
    """A run with its report: seconds to load, to run, to the first result and to write; megabytes of the page."""
    from flowlab.engine.progress import Quiet
    from flowlab.engine.run import run
    from flowlab.engine.store import Store
    from flowlab.graph.graph import load
    from flowlab.registry.registry import Registry
    from flowlab.report.origin import Origin
    from flowlab.report.write import write

    first: list[float] = []

    class Listener(Quiet):
        def finished(self, record: Any) -> None:
            if not first:
                first.append(time.perf_counter())

    file = folder / "scale.toml"
    file.write_text(experiment(count, executor))
    registry = Registry.installed()
    start = time.perf_counter()
    graph = load(file, [], registry)
    loaded = time.perf_counter()
    outcome = run(graph, "cpu", Listener(), store=Store(folder / "store", worth=0.0) if store else None)
    ran = time.perf_counter()
    write(graph, outcome, Origin.now(graph, "cpu"), folder / "run")
    size = (folder / "run" / "report.html").stat().st_size
    return {
        "load": loaded - start,
        "run": ran - loaded,
        "first": first[0] - loaded,
        "report": time.perf_counter() - ran,
        "page_MB": size / 1e6,
    }


def _consumed(results: Iterable[Any]) -> dict[str, float]:
    start = time.perf_counter()
    stream = iter(results)
    next(stream)
    first = time.perf_counter() - start
    for _ in stream:
        pass
    return {"run": time.perf_counter() - start, "first": first}


def by_joblib(count: int, folder: Path, *, memory: bool) -> dict[str, float]:
    """joblib.Parallel, bare, or with each result in a file."""
    from joblib import Memory, Parallel, delayed

    function = Memory(folder / "memory", verbose=0).cache(work) if memory else work
    parallel = Parallel(n_jobs=PROCESSES, return_as="generator")
    return _consumed(parallel(delayed(function)(norm) for norm in norms(count)))


def by_dask(count: int, folder: Path) -> dict[str, float]:
    """dask.distributed: processes of one thread, results sent back; the cluster starts before the clock."""
    from distributed import Client, LocalCluster, as_completed

    options = {"dashboard_address": None, "local_directory": str(folder)}
    with (
        LocalCluster(n_workers=PROCESSES, threads_per_worker=1, **options) as cluster,
        Client(cluster) as client,
    ):

        def results() -> Iterable[Any]:
            for future in as_completed(client.map(work, norms(count))):
                yield future.result()

        return _consumed(results())


WAYS: dict[str, tuple[str, int, Callable[[int, Path], dict[str, float]]]] = {
    "flowlab, no store": ("flowlab", 1, lambda n, at: by_flowlab(n, at, store=False, executor=False)),
    "flowlab, with a store": ("flowlab", 1, lambda n, at: by_flowlab(n, at, store=True, executor=False)),
    "flowlab, local executor": ("flowlab", PROCESSES, lambda n, at: by_flowlab(n, at, store=True, executor=True)),
    "joblib": ("joblib", PROCESSES, lambda n, at: by_joblib(n, at, memory=False)),
    "joblib with Memory": ("joblib", PROCESSES, lambda n, at: by_joblib(n, at, memory=True)),
    "Dask": ("distributed", PROCESSES, by_dask),
}


def measured(way: str, count: int) -> dict[str, float]:
    """One way at one size, in this process."""
    each = timed_work(min(count, 500))
    with tempfile.TemporaryDirectory() as folder:
        found = WAYS[way][2](count, Path(folder))
    overhead = 1e6 * (WAYS[way][1] * found["run"] / count - each)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # KiB on Linux
    return {"work_us": 1e6 * each, "overhead_us": overhead, "runner_MB": peak, **found}


def rows(counts: Iterable[int]) -> list[dict[str, Any]]:
    """All ways at all sizes, each in a process of its own, peers beside each other."""
    columns = ("work_us", "overhead_us", "first", "run", "load", "report", "page_MB", "runner_MB")
    found = []
    for count in counts:
        for way, (package, _, _) in WAYS.items():
            row: dict[str, Any] = {"nodes": count, "by": way}
            if find_spec(package):
                command = [sys.executable, __file__, "--one", way, "--most", str(count)]
                said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
                measures = json.loads(said.splitlines()[-1])
                row |= {name: measures.get(name) for name in columns}
            else:
                row |= dict.fromkeys(columns) | {"by": f"{way} (skipped: not installed)"}
            found.append(row)
    return found


def main() -> None:
    """Measure, print, write."""
    parser = bench.options(__doc__)
    parser.add_argument("--quick", action="store_true", help="100 nodes only, to see that it works")
    parser.add_argument(
        "--most", type=int, default=9_999, help="nodes of the largest sweep; an executor is one more"
    )
    parser.add_argument("--one", choices=WAYS, help="one way at the largest size, as a line of JSON")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    if chosen.one:
        print(json.dumps(measured(chosen.one, chosen.most)))
        return
    counts = [100] if chosen.quick else sorted({100, min(1_000, chosen.most), chosen.most})
    bench.report("scale", {"overhead a node": rows(counts)}, ("joblib", "distributed"), chosen.json)


if __name__ == "__main__":
    main()
