"""What a node costs besides its work, in sweeps of up to 10,000 tiny ones, beside joblib and Dask.

    python tests/benchmarks/scale.py [--json FILE] [--quick] [--most N]

Each row is a process of its own; all do the same work, two points on a line, and what the work itself takes is
measured first and taken off: a node's overhead is (time of all processes on a core - work) / nodes, their start
included. Time on a core, user's and system's, hardly knows what else the machine does; `run` is the wall's, with
its waiting for the disk. The ways take turns, and of each the middle one of its rounds is told. A peer whose
package is missing is skipped and said to be. Set OMP_NUM_THREADS=1 before.

With a store but without an executor a line is looked up and not kept, for it is as soon computed again: only
the executor's row, as joblib's with Memory, pays a file a node.
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
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))  # for `bench`, however this file is started

import bench
import torch

PROCESSES = 2
HERE = f'[executor.here]\nuse = "local"\nworkers = {PROCESSES}\n'


def ends(count: int) -> list[float]:
    """What is swept."""
    return [1 + i / count for i in range(count)]


def experiment(count: int, executor: str) -> str:
    """The sweep as flowlab reads it, with the table of an executor or none."""
    return (
        '[experiment]\nname = "scale"\nthreads = 1\n'
        '[dataset.points]\nuse = "line"\ncoordinates = [0.0, 1.0]\nsamples = 1\n'
        f'[sweep.length]\n"dataset.points.coordinates" = {[[0.0, end] for end in ends(count)]}\n{executor}'
    )


def work(end: float) -> dict[str, Any]:
    """One node's work without flowlab's engine: its metrics."""
    from flowlab.api import Context
    from flowlab.components.datasets.line import Line

    context = Context(seed=0, node="points", dtype=torch.float64, device=torch.device("cpu"))
    return dict(Line((0.0, end), samples=1).build(context).metrics)


def timed_work(count: int) -> float:
    """Seconds that one node's work takes."""
    work(1.0)
    start = time.process_time()
    for end in ends(count):
        work(end)
    return (time.process_time() - start) / count


def on_cores() -> float:
    """Seconds that this process and those it has waited for were on a core."""
    used = [resource.getrusage(whose) for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def by_flowlab(count: int, folder: Path, *, store: bool, executor: str = "") -> dict[str, float]:
    """A run with its report: seconds to load, to run, to the first result and to write; megabytes of the page.

    `aside`: seconds on a core for loading and the report, of which the others have none.
    """
    from flowlab.engine.cache.store import Store
    from flowlab.engine.progress.quiet import QuietListener
    from flowlab.engine.run import run_graph
    from flowlab.graph.graph import load_graph
    from flowlab.provenance.environment import Environment
    from flowlab.registry.registry import Registry
    from flowlab.runner.write_run import write_run

    first: list[float] = []

    class Listener(QuietListener):
        def finished(self, record: Any) -> None:
            if not first:
                first.append(time.perf_counter())

    file = folder / "scale.toml"
    file.write_text(experiment(count, executor))
    registry = Registry.installed()
    start, idle = time.perf_counter(), on_cores()
    graph = load_graph(file, [], registry)
    loaded, aside = time.perf_counter(), on_cores() - idle
    outcome = run_graph(graph, "cpu", Listener(), store=Store(folder / "store") if store else None)
    ran, idle = time.perf_counter(), on_cores()
    write_run(graph, outcome, Environment.now(graph, "cpu"), folder / "run")
    size = (folder / "run" / "report.html").stat().st_size
    return {
        "load": loaded - start,
        "run": ran - loaded,
        "first": first[0] - loaded,
        "report": time.perf_counter() - ran,
        "aside": aside + on_cores() - idle,
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
    from joblib.externals.loky import get_reusable_executor

    function = Memory(folder / "memory", verbose=0).cache(work) if memory else work
    parallel = Parallel(n_jobs=PROCESSES, return_as="generator")
    found = _consumed(parallel(delayed(function)(end) for end in ends(count)))
    get_reusable_executor().shutdown(wait=True)
    return found


def cluster(folder: Path) -> Any:
    """Dask's processes of one thread; they start before the clock of the wall."""
    from distributed import LocalCluster

    options = {"dashboard_address": None, "local_directory": str(folder)}
    return LocalCluster(n_workers=PROCESSES, threads_per_worker=1, **options)


def by_flowlab_on_dask(count: int, folder: Path) -> dict[str, float]:
    """A run with its report, whose nodes Dask's processes do."""
    with cluster(folder) as there:
        table = f'[executor.there]\nuse = "dask"\naddress = "{there.scheduler_address}"\n'
        return by_flowlab(count, folder, store=True, executor=table)


def by_dask(count: int, folder: Path) -> dict[str, float]:
    """dask.distributed: results are sent back."""
    from distributed import Client, as_completed

    with cluster(folder) as there, Client(there) as client:

        def results() -> Iterable[Any]:
            for future in as_completed(client.map(work, ends(count))):
                yield future.result()

        return _consumed(results())


WAYS: dict[str, tuple[str, Callable[[int, Path], dict[str, float]]]] = {
    "flowlab, no store": ("flowlab", lambda n, at: by_flowlab(n, at, store=False)),
    "flowlab, with a store": ("flowlab", lambda n, at: by_flowlab(n, at, store=True)),
    "flowlab, local executor": ("flowlab", lambda n, at: by_flowlab(n, at, store=True, executor=HERE)),
    "flowlab, on Dask": ("flowlab_dask", by_flowlab_on_dask),
    "joblib": ("joblib", lambda n, at: by_joblib(n, at, memory=False)),
    "joblib with Memory": ("joblib", lambda n, at: by_joblib(n, at, memory=True)),
    "Dask": ("distributed", by_dask),
}
COLUMNS = ("work_us", "overhead_us", "first", "run", "load", "report", "page_MB", "runner_MB")


def measured(way: str, count: int) -> dict[str, float]:
    """One way at one size, in this process."""
    each = timed_work(min(count, 2_000))
    with tempfile.TemporaryDirectory() as folder:
        before = on_cores()
        found = WAYS[way][1](count, Path(folder))
        used = on_cores() - before - found.pop("aside", 0.0)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # KiB on Linux
    return {"work_us": 1e6 * each, "overhead_us": 1e6 * (used / count - each), "runner_MB": peak, **found}


def apart(way: str, count: int) -> dict[str, float]:
    """One way at one size, in a process of its own."""
    command = [sys.executable, __file__, "--one", way, "--most", str(count)]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    measures: dict[str, float] = json.loads(said.splitlines()[-1])
    return measures


def rows(counts: Iterable[int], rounds: int) -> list[dict[str, Any]]:
    """All ways at all sizes, by their medians."""
    here = [way for way, (package, _) in WAYS.items() if find_spec(package)]
    found = []
    for count in counts:
        said = [{way: apart(way, count) for way in here} for _ in range(rounds)]
        for way in WAYS:
            by = way if way in here else f"{way} (skipped: not installed)"
            told = [one[way] for one in said] if way in here else []
            measures = {name: median(one[name] for one in told) for name in told[0]} if told else {}
            found.append({"nodes": count, "by": by} | {name: measures.get(name) for name in COLUMNS})
    return found


def main() -> None:
    """Measure, print, write."""
    parser = bench.options(__doc__)
    parser.add_argument("--quick", action="store_true", help="100 nodes only, to see that it works")
    parser.add_argument(
        "--most", type=int, default=9_999, help="nodes of the largest sweep; an executor is one more"
    )
    parser.add_argument("--rounds", type=int, default=1, help="of each way and size, in turns")
    parser.add_argument("--one", choices=WAYS, help="one way at the largest size, as a line of JSON")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    if chosen.one:
        print(json.dumps(measured(chosen.one, chosen.most)))
        return
    counts = [100] if chosen.quick else sorted({100, min(1_000, chosen.most), chosen.most})
    bench.report("scale", {"overhead a node": rows(counts, chosen.rounds)}, ("joblib", "distributed"), chosen.json)


if __name__ == "__main__":
    main()
