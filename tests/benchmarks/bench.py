"""What benchmarks share: the machine they ran on, repeated timings, fitted exponents, a table and a JSON file."""

from __future__ import annotations

import argparse
import datetime
import gc
import json
import math
import os
import platform
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import torch
from attrs import asdict, frozen

Row = Mapping[str, Any]


@frozen
class Timing:
    """Wall times of repeated runs, seconds."""

    least: float
    median: float
    runs: int


def timed(
    work: Callable[[], Any], repeats: int = 5, budget: float = 20.0, warm: bool = True
) -> tuple[Timing, Any]:
    """Time `work` up to `repeats` times, or until `budget` seconds are spent; returns its last result too.

    A first run, not counted, loads and allocates what later runs find ready; leave it out of long work.
    """
    if warm:
        work()
    times: list[float] = []
    while len(times) < repeats and (not times or sum(times) + times[-1] < budget):
        gc.collect()
        start = time.perf_counter()
        result = work()
        times.append(time.perf_counter() - start)
    return Timing(min(times), sorted(times)[len(times) // 2], len(times)), result


def exponent(sizes: Sequence[float], times: Sequence[float]) -> float:
    """The slope of log time over log size, by least squares."""
    x, y = ([math.log(value) for value in values] for values in (sizes, times))
    middle = sum(x) / len(x)
    return sum((a - middle) * b for a, b in zip(x, y, strict=True)) / sum((a - middle) ** 2 for a in x)


@frozen
class Growth:
    """Seconds at several values of one size, the others held."""

    over: str
    values: Sequence[int]
    seconds: Sequence[float]

    @property
    def row(self) -> Row:
        """A row of a table, with the exponent of a power law fitted to it."""
        return {
            "over": self.over,
            "values": ", ".join(map(str, self.values)),
            "seconds": ", ".join(f"{time:.3g}" for time in self.seconds),
            "exponent": exponent(self.values, self.seconds),
        }


def plot(grown: Sequence[Growth], path: Path) -> None:
    """Time over each size, relative to its least, on logarithmic axes, with the fitted exponents."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.2, 3.2), layout="constrained")
    ax = figure.subplots()
    for one, marker in zip(grown, "osD^v", strict=False):
        sizes = [value / one.values[0] for value in one.values]
        slope = exponent(one.values, one.seconds)
        ax.loglog(
            sizes, one.seconds, marker=marker, ms=4, lw=1, label=f"{one.over} from {one.values[0]}: {slope:.2f}"
        )
    ax.set_xlabel("size, relative to the least")
    ax.set_ylabel("seconds")
    ax.legend(title="fitted exponent", frameon=False, fontsize="small")
    figure.savefig(path, dpi=200)


def machine(packages: Iterable[str] = ()) -> dict[str, Any]:
    """Where and when this runs: processor, cores, load, threads, versions."""
    loads = [round(load, 2) for load in os.getloadavg()] if hasattr(os, "getloadavg") else None
    return {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "cpu": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "load_average": loads,
        "torch_threads": torch.get_num_threads(),
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS"),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "system": platform.platform(terse=True),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in ("flowlab", "torch", "numpy", *packages)},
    }


def version(package: str) -> str | None:
    """The installed version of a package, None where there is none."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def plain(record: Any) -> dict[str, Any]:
    """An attrs record as a mapping, for a row of a table."""
    return asdict(record)


def table(title: str, rows: Sequence[Row]) -> str:
    """Rows of equal keys as aligned text."""
    if not rows:
        return f"{title}: nothing measured"
    cells = [list(rows[0]), *([_cell(value) for value in row.values()] for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(cells[0]))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells
    ]
    return "\n".join([title, *(f"  {line}" for line in lines)])


def report(name: str, parts: Mapping[str, Sequence[Row]], packages: Iterable[str], path: Path | None) -> None:
    """Print every part as a table under the machine's description; write the same as JSON where asked to."""
    where = machine(packages)
    print("\n".join(f"{key}: {value}" for key, value in where.items()))
    for title, rows in parts.items():
        print(f"\n{table(title, rows)}")
    if path:
        path.write_text(json.dumps({"benchmark": name, "machine": where, **parts}, indent=2, default=str) + "\n")


def options(about: str | None) -> argparse.ArgumentParser:
    """The command line of a benchmark: `--json FILE`, `--threads N`."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the measurements there too")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw the growth there")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="threads of torch")
    return parser


def _cell(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else "-" if value is None else str(value)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())
