"""Processes on this machine, each at one task.

No library is used: processes of pebble and of loky outlive a run that is killed, pebble hangs when several of them
are killed at once, and loky blames a task for the death of a process that was idle
(flowlab/docs/pages/explanation/measurements.md).
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from attrs import define, field, frozen

from flowlab.api import EngineError, Task, TaskFunction, TaskResult, parameter

_STARTS = 3  # processes in a row that are killed while they start, after which no other is started
_SIGNAL_NAMES = {int(number): number.name for number in signal.Signals}
_GRACE = 5.0  # seconds that a process has to end after it closed its pipe, before it is killed


@frozen
class Local:
    """Processes on this machine, each at one node; with `--device cuda` each has a GPU for itself.

    More processes than GPUs share them. A script that runs an experiment with it needs
    `if __name__ == "__main__":`, as each process reads it again.
    """

    workers: int | None = parameter(
        None, help="processes; as many as the cores or GPUs at hand if absent", ge=1, le=1024
    )

    @contextmanager
    def open_pool(self, work: TaskFunction, device: str, threads: int) -> Iterator[Processes]:
        """Processes that start when there is work for them, and are killed at the end. Raises EngineError."""
        places = _visible_gpus() if device == "cuda" else [None] * max(_core_count() // threads, 1)
        count = self.workers or len(places)
        pool = Processes(work, [places[i % len(places)] for i in range(count)])
        try:
            yield pool
        finally:
            pool.kill()


@define
class _Worker:
    """One process, its task if it has one, and whether it has started."""

    process: BaseProcess
    pipe: Connection
    task: Task | None = None
    ready: bool = False


@define
class Processes:
    """A process for each place: the number of a GPU, or None."""

    work: TaskFunction
    places: list[str | None]
    _waiting: deque[Task] = field(factory=deque, init=False)
    _workers: dict[int, _Worker] = field(factory=dict, init=False)  # by place
    _failed_starts: int = field(default=0, init=False)  # processes in a row that were killed while they started

    @property
    def slots(self) -> int:
        """How many tasks can run at once."""
        return len(self.places)

    def submit(self, task: Task) -> None:
        """Send the task to an idle process, as soon as there is one. Raises EngineError as `completed` does."""
        self._waiting.append(task)
        self._assign()

    def completed(self) -> Sequence[TaskResult]:
        """Wait for tasks to end. Raises EngineError where no process can be started."""
        results: list[TaskResult] = []
        while not results and any(worker.task for worker in self._workers.values()):
            places = {worker.pipe: place for place, worker in self._workers.items()}
            for pipe in wait(list(places)):
                result = self._receive(places[pipe]) if isinstance(pipe, Connection) else None
                results += [] if result is None else [result]
            self._assign()
        return results

    def kill(self) -> None:
        """Kill all processes."""
        for worker in self._workers.values():
            worker.process.kill()
        for worker in self._workers.values():
            worker.process.join()
            worker.pipe.close()

    def _assign(self) -> None:
        """Send waiting tasks to idle processes; start another process while there is a free place."""
        while self._waiting:
            idle = [place for place, worker in self._workers.items() if worker.task is None]
            vacant = [place for place in range(len(self.places)) if place not in self._workers]
            if not idle and not vacant:
                return
            place = idle[0] if idle else self._start(vacant[0])
            worker = self._workers[place]
            try:
                worker.pipe.send_bytes(self._waiting[0].order.encode())
            except OSError:  # it had died before, so the task is not to blame
                self._reap(place)
            else:
                worker.task = self._waiting.popleft()

    def _start(self, place: int) -> int:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        arguments = (self.work, theirs, self.places[place])
        process = context.Process(target=_serve, args=arguments, daemon=True, name=f"flowlab-{place}")
        with _block_signals():
            process.start()
        theirs.close()
        self._workers[place] = _Worker(process, ours)
        return place

    def _receive(self, place: int) -> TaskResult | None:
        """Read a message: first that the process has started, then results. A closed pipe means that it died."""
        worker = self._workers[place]
        try:
            text = worker.pipe.recv_bytes().decode()
        except (EOFError, OSError):
            return self._reap(place)
        if not worker.ready or worker.task is None:
            worker.ready, self._failed_starts = True, 0
            return None
        task, worker.task = worker.task, None
        return TaskResult(task.name, text)

    def _reap(self, place: int) -> TaskResult | None:
        """The result of a dead process's task, if it had one. Raises EngineError if others would die alike."""
        worker = self._workers.pop(place)
        worker.process.join(_GRACE)
        worker.process.kill()
        worker.process.join()
        worker.pipe.close()
        code = worker.process.exitcode or 0
        cause = _SIGNAL_NAMES.get(-code, f"signal {-code}") if code < 0 else f"exit code {code}"
        if worker.ready:
            return (
                None if worker.task is None else TaskResult(worker.task.name, None, crashes=1, where=f"of {cause}")
            )
        self._failed_starts += 1
        if code >= 0 or self._failed_starts == _STARTS:
            rule = 'a script that runs an experiment needs `if __name__ == "__main__":`'
            raise EngineError(f"a process of the executor died of {cause} before it could work; {rule}")
        if worker.task is not None:
            self._waiting.appendleft(worker.task)
        return None


@contextmanager
def _block_signals() -> Iterator[None]:
    """Delay Ctrl-C and SIGHUP within; processes started within never get them: the run decides what they mean."""
    resource_tracker.ensure_running()  # else it starts within, and unblocks the signal
    former = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, former)


def _serve(work: TaskFunction, pipe: Connection, gpu: str | None) -> None:
    """The main loop of a process: order after order, until the pipe closes."""
    threading.Thread(target=_exit_with_parent, daemon=True).start()
    if gpu is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = gpu
    text = ""  # the first message says that the process has started
    while True:
        try:
            pipe.send_bytes(text.encode())
            order = pipe.recv_bytes().decode()
        except (EOFError, OSError):  # the run is gone
            return
        text = work(order)


def _exit_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _core_count() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _visible_gpus() -> list[str | None]:
    """The GPUs that this process may use, as CUDA_VISIBLE_DEVICES names them. Raises EngineError for none."""
    import torch

    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    names = named.split(",") if named else map(str, range(torch.cuda.device_count()))
    gpus: list[str | None] = [name.strip() for name in names]
    if not gpus:
        raise EngineError("there is no GPU for a process to work with")
    return gpus
