"""A real scheduler and real worker processes on loopback."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from attrs import define, field

Process = subprocess.Popen[bytes]
LOCAL = ("--host", "127.0.0.1", "--no-dashboard", "--scheduler-file", "scheduler")
WORKERS = 2


@define
class Running:
    """A cluster in a folder; who is killed is replaced before the next test."""

    folder: Path
    environment: Mapping[str, str]
    _scheduler: Process | None = field(default=None, init=False)
    _workers: list[Process] = field(factory=list, init=False)

    @property
    def file(self) -> Path:
        """Where the scheduler tells its address."""
        return self.folder / "scheduler"

    def staff(self) -> None:
        """Start what is not there: the scheduler, and workers of one thread with a nanny each."""
        if self._scheduler is None or self._scheduler.poll() is not None:
            self.close()
            self._scheduler = self._start("scheduler", "--port", "0")
            wait_for(self.file.exists)
        self._workers = [worker for worker in self._workers if worker.poll() is None]
        while len(self._workers) < WORKERS:
            self._workers.append(self.worker(1))

    def worker(self, threads: int) -> Process:
        """Another worker, which whoever asks for it has to end."""
        return self._start("worker", "--nworkers", "1", "--nthreads", str(threads))

    def kill_scheduler(self) -> None:
        """At once."""
        assert self._scheduler is not None
        kill(self._scheduler)

    def kill_workers(self) -> None:
        """At once, with their nannies."""
        while self._workers:
            kill(self._workers.pop())

    def dead(self) -> set[int]:
        """Dead processes of the cluster that nobody has waited for."""
        return {process for group in self._workers for process in members(group.pid, "Z")}

    def close(self) -> None:
        """Nothing is left."""
        self.kill_workers()
        if self._scheduler is not None:
            kill(self._scheduler)
        self.file.unlink(missing_ok=True)

    def _start(self, what: str, *options: str) -> Process:
        command = [sys.executable, "-m", f"distributed.cli.dask_{what}", *LOCAL, *options]
        with (self.folder / f"{what}.log").open("ab") as log:
            return subprocess.Popen(
                command, cwd=self.folder, env=self.environment, stdout=log, stderr=log, start_new_session=True
            )


def kill(process: Process) -> None:
    """Kill a process and all that it started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def members(session: int, state: str) -> set[int]:
    """The processes of a session that are in a state."""
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # gone meanwhile
            its, _, _, group = stat.read_text().rpartition(")")[2].split()[:4]
            if int(group) == session and its == state:
                found.add(int(stat.parent.name))
    return found


def wait_for(what: Callable[[], object], seconds: float = 60.0) -> None:
    """Wait until it is true; fail after so long."""
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)
