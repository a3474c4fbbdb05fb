"""A real scheduler and real worker processes on loopback."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from attrs import define, field
from living import members, wait_for

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
        return {process for group in self._workers for process in members(group.pid, dead=True)}

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
