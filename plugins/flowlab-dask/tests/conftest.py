"""A real scheduler and real worker processes on loopback, and the command line beside them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from attrs import define, field

COMPONENTS = '''
"""Nodes that do harm."""

import os
import signal
import time
from pathlib import Path

from attrs import frozen

from flowlab.api import Result, parameter, reference


@frozen
class Nap:
    """Sleeps; says first which process it is in."""

    seconds: float = parameter(0.0, help="how long")
    harm: bool = parameter(False, help="whether to kill the process")
    marks: str = parameter("marks", help="folder")

    def build(self, context):
        folder = Path(self.marks)
        folder.mkdir(exist_ok=True)
        (folder / f"{context.node}.{os.getpid()}").touch()
        time.sleep(self.seconds)
        if self.harm:
            os.kill(os.getpid(), signal.SIGKILL)
        return Result(self.seconds, {"seconds": self.seconds})


@frozen
class Sum:
    """All of them."""

    dataset: tuple[str, ...] = reference("dataset", many=True, help="what is added")

    def build(self, context, *, dataset):
        return Result(sum(dataset.values()), {"sum": sum(dataset.values())})
'''


@define
class Place:
    """A folder in which flowlab, scheduler and workers are at home."""

    folder: Path
    environment: dict[str, str]
    processes: list[subprocess.Popen[bytes]] = field(factory=list)

    @classmethod
    @contextmanager
    def of(cls, folder: Path) -> Iterator[Place]:
        """A folder with made-up components installed; at the end nothing that was started there is left."""
        site = folder / "site"
        info = site / "harmful-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: harmful\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(
            "[flowlab.api]\n1 = flowlab.api\n"
            "[flowlab.dataset]\nnap = harmful:Nap\n[flowlab.analysis]\nsum = harmful:Sum\n"
        )
        (site / "harmful.py").write_text(COMPONENTS)
        path = os.pathsep.join(filter(None, [str(site), os.environ.get("PYTHONPATH")]))
        place = cls(folder, {**os.environ, "PYTHONPATH": path})
        try:
            yield place
        finally:
            for process in place.processes:
                if process.poll() is None:
                    killed(process)

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        """A process in a group of its own."""
        with (self.folder / f"{command[1]}.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "distributed.cli.dask_" + command[1], *command[2:]]
                if command[0] == "dask"
                else list(command),
                cwd=self.folder,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.processes.append(process)
        return process

    def scheduler(self) -> subprocess.Popen[bytes]:
        """A scheduler that tells its address in the file `scheduler`."""
        started = self.start(
            "dask", "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard",
            "--scheduler-file", "scheduler",
        )  # fmt: skip
        wait_for(lambda: (self.folder / "scheduler").exists())
        return started

    def worker(self) -> subprocess.Popen[bytes]:
        """A worker of one thread, whose nanny starts another when it dies."""
        return self.start(
            "dask", "worker", "--scheduler-file", "scheduler", "--nworkers", "1", "--nthreads", "1",
            "--host", "127.0.0.1", "--no-dashboard",
        )  # fmt: skip

    def run(self, *options: str, executor: str = "dask") -> subprocess.Popen[str]:
        """`flowlab run` of the experiment, on the cluster unless another executor is named."""
        cluster = ("--scheduler-file", "scheduler") if executor == "dask" else ()
        return subprocess.Popen(
            [sys.executable, "-m", "flowlab", "run", "experiment.toml", "--device", "cpu", "--executor", executor,
             *cluster, *options],
            cwd=self.folder, env=self.environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def marks(self, node: str) -> list[int]:
        """The processes that a node was in, the latest last."""
        found = (self.folder / "marks").glob(f"{node}.*")
        return [int(path.suffix[1:]) for path in sorted(found, key=lambda path: path.stat().st_mtime)]


def wait_for(what: Callable[[], object], seconds: float = 60.0) -> None:
    """Wait until it is true; fail after so long."""
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def killed(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and all that it started."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """A place in which nothing runs yet."""
    with Place.of(tmp_path) as found:
        yield found
